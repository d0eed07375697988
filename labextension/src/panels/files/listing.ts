/** The list of a folder, apart from how it is drawn: order, and which rows are in view. */

import type { IEntry } from '../../tokens';

/** The columns that a listing is sorted by. */
export type SortKey = 'name' | 'size' | 'modified';

/** How a listing is sorted. */
export interface ISort {
  key: SortKey;
  ascending: boolean;
}

/** What a listing begins with. */
export const BY_NAME: ISort = { key: 'name', ascending: true };

/** Rows `first` to before `end`. */
export interface IRange {
  first: number;
  end: number;
}

// "week 2" before "week 10", as people count.
const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** A sorted copy; folders stay above files, and equal ones are in the order of their names. */
export function sortEntries(entries: readonly IEntry[], sort: ISort): IEntry[] {
  const sign = sort.ascending ? 1 : -1;
  const byName = (a: IEntry, b: IEntry) =>
    names.compare(a.name, b.name) || (a.name < b.name ? -1 : Number(a.name > b.name));
  const by: { [key in SortKey]: (a: IEntry, b: IEntry) => number } = {
    name: byName,
    // The size of a folder is that of its list of names, which says nothing.
    size: (a, b) => (a.type === 'folder' ? 0 : a.size - b.size),
    modified: (a, b) => (a.modifiedAt ?? '').localeCompare(b.modifiedAt ?? '')
  };
  return [...entries].sort(
    (a, b) =>
      Number(b.type === 'folder') - Number(a.type === 'folder') ||
      sign * by[sort.key](a, b) ||
      byName(a, b)
  );
}

/** How it is sorted after a click on a column: the same one turns around. */
export function sortAfterClick(sort: ISort, key: SortKey): ISort {
  return { key, ascending: sort.key === key ? !sort.ascending : true };
}

/**
 * The rows to be drawn, of `count` rows of the same height, with some above and below the view.
 *
 * @param top How far it is scrolled, in pixels.
 * @param height Of what is in view, in pixels.
 */
export function rowsInView(
  top: number,
  height: number,
  rowHeight: number,
  count: number,
  around = 10
): IRange {
  const first = Math.floor(Math.max(top, 0) / rowHeight) - around;
  const end = Math.ceil((Math.max(top, 0) + height) / rowHeight) + around;
  return {
    first: Math.max(Math.min(first, count - 1), 0),
    end: Math.min(Math.max(end, 0), count)
  };
}

/** Where the focus goes for a key, or null for a key that doesn't move it. */
export function rowAfterKey(key: string, row: number, count: number, page: number): number | null {
  const moves: { [key: string]: number } = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: count - 1
  };
  if (!count || !(key in moves)) {
    return null;
  }
  return Math.min(Math.max(moves[key], 0), count - 1);
}

/** The first row after `row`, all around, whose name begins with what was typed. */
export function rowTyped(entries: readonly IEntry[], row: number, typed: string): number | null {
  const wanted = typed.toLocaleLowerCase();
  for (let step = 0; step < entries.length; step++) {
    // One letter goes on to the next such name; a longer text stays where it fits.
    const at = (row + step + (typed.length === 1 ? 1 : 0)) % entries.length;
    if (entries[at].name.toLocaleLowerCase().startsWith(wanted)) {
      return at;
    }
  }
  return null;
}
