/** What is compared with what, and how a list of differences is narrowed; no widgets here. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { isolated } from '../panels/files/target';
import type { IComparison, IDifference, IPlace, ISnapshot, ISourceRef, SideRef } from '../tokens';

/** One side of a comparison of contents. */
export type Side =
  | { kind: 'snapshot'; place: IPlace }
  | { kind: 'file'; path: string }
  /** The file is not there in that snapshot. */
  | { kind: 'absent'; place: IPlace };

/** The side as the server takes it. */
export function sideRef(side: Side, source: (place: IPlace) => ISourceRef): SideRef {
  switch (side.kind) {
    case 'snapshot':
      return source(side.place);
    case 'file':
      return { file: side.path };
    default:
      return null;
  }
}

/** What a person reads above the side. */
export function sideLabel(side: Side, trans: TranslationBundle): string {
  switch (side.kind) {
    case 'snapshot':
      return trans.__('%1 of %2', side.place.snapshot, side.place.student);
    case 'file':
      return trans.__('My files: %1', isolated(side.path));
    default:
      return trans.__('%1 of %2 (not there)', side.place.snapshot, side.place.student);
  }
}

/** The two sides of a file that a comparison of snapshots lists; `place` is of the newer one. */
export function sidesOf(difference: IDifference, place: IPlace, base: string): [Side, Side] {
  const newer = { ...place, path: difference.path };
  const older = { ...newer, snapshot: base };
  return [
    { kind: difference.change === 'added' ? 'absent' : 'snapshot', place: older },
    { kind: difference.change === 'removed' ? 'absent' : 'snapshot', place: newer }
  ];
}

/** Of the snapshots of a student, newest first, the one before that name; else the nearest. */
export function previousOf(snapshots: readonly ISnapshot[], name: string): ISnapshot | null {
  const at = snapshots.findIndex(each => each.name === name);
  if (at < 0) {
    return snapshots[0] ?? null;
  }
  return snapshots[at + 1] ?? snapshots[at - 1] ?? null;
}

/** The two in the order of time: [older, newer]. Unknown ones are taken as they come. */
export function inOrder(
  snapshots: readonly ISnapshot[],
  one: string,
  other: string
): [string, string] {
  const a = snapshots.findIndex(each => each.name === one);
  const b = snapshots.findIndex(each => each.name === other);
  // Newest first: the larger index is the older.
  return a >= 0 && b >= 0 && a < b ? [other, one] : [one, other];
}

/** Which differences are shown. */
export interface IFilter {
  text: string;
  added: boolean;
  removed: boolean;
  changed: boolean;
}

export const ALL: IFilter = { text: '', added: true, removed: true, changed: true };

/** The differences that the filter lets through; all words must be in the path. */
export function filterDifferences(
  entries: readonly IDifference[],
  filter: IFilter
): readonly IDifference[] {
  const words = filter.text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(entry => {
    const path = entry.path.toLocaleLowerCase();
    return filter[entry.change] && words.every(word => path.includes(word));
  });
}

/** How many differences there are in all, listed or not. */
export function total({ counts }: IComparison): number {
  return counts.added + counts.removed + counts.changed;
}
