/** The icons of this package; they follow the theme through JupyterLab's own classes. */

import { LabIcon } from '@jupyterlab/ui-components';

/** An icon of filled paths on a field of 24 by 24. */
function icon(name: string, paths: string, kind = 'jp-icon3'): LabIcon {
  return new LabIcon({
    name: `jupyterhub-snapshots:${name}`,
    svgstr:
      '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
      `<g class="${kind} jp-icon-selectable" fill="#616161" fill-rule="evenodd">${paths}</g></svg>`
  });
}

const CAMERA =
  'M9.2 7 10.6 5h4.8l1.4 2H20a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2z' +
  'M13 9.6a3.9 3.9 0 1 0 0 7.8 3.9 3.9 0 0 0 0-7.8zm0 1.7a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z';

/** The panel's icon: a camera before an older picture. */
export const snapshotsIcon = icon(
  'snapshots',
  `<path d="${CAMERA}"/><path d="M1.8 6v9.5h1.4V5.4h4.4l1-1.4H3.8a2 2 0 0 0-2 2z"/>`
);

/** Taking a snapshot. */
export const takeIcon = icon('take', `<path transform="translate(-1 0)" d="${CAMERA}"/>`);

/** Downloading a zip. */
export const zipIcon = icon(
  'zip',
  '<path d="M11 3h2v8.2l2.6-2.6L17 10l-5 5-5-5 1.4-1.4 2.6 2.6z"/><path d="M4 15h2v4h12v-4h2v6H4z"/>'
);

/** Kept from deletion. */
export const pinIcon = icon(
  'pin',
  '<path d="M8 3h8v2l-1 .5V11l3 3v2h-5v5l-1 1-1-1v-5H6v-2l3-3V5.500L8 5z"/>'
);

/** Two versions beside each other. */
export const compareIcon = icon(
  'compare',
  '<path d="M3 4h8v16H3zm2 2v12h4V6z"/><path d="M13 4h8v16h-8zm2 4v2h4V8zm0 4v2h4v-2z"/>'
);

/** Back to how it was. */
export const restoreIcon = icon(
  'restore',
  '<path d="M13 4a8 8 0 1 1-7.7 10.200l1.900-.6A6 6 0 1 0 8 8.700L10.300 11H4V4.700l2.600 2.600A8 8 0 0 1 13 4z"/>' +
    '<path d="M12 8h1.600v4.200l3 1.800-.8 1.300L12 13z"/>'
);

/** Students × assignments. */
export const gridIcon = icon(
  'grid',
  '<path d="M3 4h18v16H3zm2 2v3h4V6zm6 0v3h3V6zm5 0v3h3V6zM5 11v3h4v-3zm6 0v3h3v-3zm5 0v3h3v-3zM5 16v2h4v-2zm6 0v2h3v-2zm5 0v2h3v-2z"/>'
);

/** A date. */
export const dateIcon = icon(
  'date',
  '<path d="M7 2h2v2h6V2h2v2h2a2 2 0 0 1 2 2v13a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h2zm-2 7v10h14V9z"/>' +
    '<path d="M11 11h2v4h3v2h-5z"/>'
);
