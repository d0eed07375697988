/** The states of a cell: how each looks, what it is called, and what it means. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { CellState, IGridCell } from '../assignmentTokens';
import { zoneTime } from '../zones';

/** In the order of the legend. */
export const STATES: CellState[] = [
  'captured',
  'late',
  'changed',
  'open',
  'running',
  'missing',
  'failed',
  'not_opened',
  'excused',
  'none'
];

/** Shapes on a field of 16 by 16: no two states differ by their colour alone. */
const SHAPES: { [state in CellState]: JSX.Element } = {
  captured: <path d="m3 8.500 3.500 3.500L13 4.500" />,
  late: (
    <>
      <circle cx="8" cy="8" r="5.500" />
      <path d="M8 4.500V8l2.500 2" />
    </>
  ),
  changed: <path d="m3 13 .7-3L10.500 3.200l2.300 2.300L6 12.300z" />,
  open: <circle cx="8" cy="8" r="5" />,
  running: <path d="M13 8a5 5 0 1 1-2-4M11 1v3.200H7.800" />,
  missing: <path d="m4 4 8 8m0-8-8 8" />,
  failed: <path d="M8 2 14.500 13.500h-13zM8 6.500v3.200m0 1.500v.6" />,
  not_opened: <path d="M4 7.500h8v6H4zm1.800 0V5a2.200 2.200 0 0 1 4.400 0v2.500" />,
  excused: <path d="M3.500 8h9" />,
  none: <circle cx="8" cy="8" r=".8" />
};

/** The shape of a state; what it means is said elsewhere. */
export function StateIcon({ state }: { state: CellState }): JSX.Element {
  return (
    <span className={`jp-SnapshotsGrid-icon jp-mod-${modifier(state)}`} aria-hidden="true">
      <svg viewBox="0 0 16 16" width="16" height="16">
        {SHAPES[state] ?? SHAPES.none}
      </svg>
    </span>
  );
}

/** A state in a class of CSS. */
export function modifier(state: CellState): string {
  return state === 'not_opened' ? 'notOpened' : state;
}

/** What a state is called. */
export function cellLabel(state: CellState, trans: TranslationBundle): string {
  switch (state) {
    case 'captured':
      return trans.__('captured');
    case 'late':
      return trans.__('late');
    case 'changed':
      return trans.__('changed after');
    case 'open':
      return trans.__('open');
    case 'running':
      return trans.__('running');
    case 'missing':
      return trans.__('missing');
    case 'failed':
      return trans.__('failed');
    case 'not_opened':
      return trans.__('not opened');
    case 'excused':
      return trans.__('excused');
    default:
      return trans.__('no deadline');
  }
}

/** What a state means. */
export function explainCell(state: CellState, trans: TranslationBundle): string {
  switch (state) {
    case 'captured':
      return trans.__('Captured on time.');
    case 'late':
      return trans.__('The capture began late, or there is late work.');
    case 'changed':
      return trans.__('Captured, and some files in it were changed after the deadline.');
    case 'open':
      return trans.__('The deadline is still to come.');
    case 'running':
      return trans.__('The capture is running.');
    case 'missing':
      return trans.__('The deadline is over, and there is no snapshot.');
    case 'failed':
      return trans.__('The capture failed.');
    case 'not_opened':
      return trans.__('The timed assignment closed before the student opened it.');
    case 'excused':
      return trans.__('The student is excused.');
    default:
      return trans.__('There is no due date.');
  }
}

/** What is read aloud, and shown on hover, for a cell. */
export function describeCell(cell: IGridCell, timeZone: string, trans: TranslationBundle): string {
  return [
    cellLabel(cell.state, trans),
    cell.changed > 0 && trans._n('%1 file changed after', '%1 files changed after', cell.changed),
    cell.extended && trans.__('extended'),
    cell.at && zoneTime(cell.at, timeZone)
  ]
    .filter(Boolean)
    .join(', ');
}

/** Every state with its shape and what it means. */
export function Legend({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <ul className="jp-SnapshotsGrid-legend" aria-label={trans.__('What the signs mean')}>
      {STATES.map(state => (
        <li key={state} title={explainCell(state, trans)}>
          <StateIcon state={state} />
          {cellLabel(state, trans)}
        </li>
      ))}
      <li title={trans.__('The student has a due date of their own for this assignment.')}>
        <span className="jp-SnapshotsGrid-extended" aria-hidden="true">
          +
        </span>
        {trans.__('extended')}
      </li>
    </ul>
  );
}
