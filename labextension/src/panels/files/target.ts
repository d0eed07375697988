/** What a command about files is for: named by the caller, pointed at, or the document in front. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { DocumentWidget } from '@jupyterlab/docregistry';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { placeOf } from '../../links';
import { DRIVE } from '../../tokens';
import type { IEntry, IPlace } from '../../tokens';

/** The class of what the context menu of files is for; it has `data-path` and `data-type`. */
export const ITEM_CLASS = 'jp-SnapshotsFiles-item';

/** A file or folder of a snapshot. */
export interface ITarget {
  place: IPlace;
  type: IEntry['type'];
}

/** Arguments of the commands about files, as a schema. */
export const TARGET_SCHEMA = {
  type: 'object',
  properties: {
    path: { type: 'string', description: 'Path of the file or folder, as in Snapshots:…' },
    type: { type: 'string', enum: ['file', 'folder'], description: 'What is at the path' }
  }
} as const;

/** The arguments for a target. */
export function targetArgs(path: string, type: IEntry['type']): { path: string; type: string } {
  return { path, type };
}

/** What the command is for, or null when there is no such thing. */
export function targetOf(app: JupyterFrontEnd, args: ReadonlyPartialJSONObject): ITarget | null {
  if (typeof args.path === 'string') {
    return target(args.path, args.type);
  }
  const node = app.contextMenuHitTest(each => each.classList.contains(ITEM_CLASS));
  if (node?.dataset.path) {
    return target(node.dataset.path, node.dataset.type);
  }
  const widget = app.shell.currentWidget;
  if (widget instanceof DocumentWidget && widget.context.path.startsWith(`${DRIVE}:`)) {
    return target(widget.context.path, 'file');
  }
  return null;
}

function target(path: string, type: unknown): ITarget | null {
  const place = placeOf(path);
  if (!place) {
    return null;
  }
  const isKnown = type === 'folder' || type === 'link' || type === 'special';
  return { place, type: place.path ? (isKnown ? type : 'file') : 'folder' };
}

/** The last part of a target's path; of a whole snapshot, its name. */
export function nameOf({ place }: ITarget): string {
  return place.path.slice(place.path.lastIndexOf('/') + 1) || place.snapshot;
}

/** Marks that turn the direction of text around; a name has no use for them. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

/** A name to be put into a sentence, whose words stay in order whatever the name is written in. */
export function isolated(name: string): string {
  return /[\u0590-\uffff]/.test(name) ? `\u2068${name.replace(TURNS, '\ufffd')}\u2069` : name;
}
