/** Which students of a grid are shown, and how many are how far with each assignment. */

import type { CellState, IGrid, IGridCell, IGridStudent } from '../assignmentTokens';
import { byName } from '../format';

/** A student with the own cells, in the order of the grid's assignments. */
export interface IGridRow {
  student: IGridStudent;
  name: string;
  cells: IGridCell[];
}

/** What is shown of a grid. */
export interface IGridFilter {
  query: string;
  /** Students with a cell in this state; null for all. */
  state: CellState | null;
}

/** All rows by last name, as the list of students has them. */
export function rowsOf(grid: IGrid): IGridRow[] {
  const keyed = grid.students.map((student, at) => {
    const { firstName, lastName, username } = student;
    return {
      key: `${lastName || username} ${firstName}`,
      row: {
        student,
        name: `${firstName} ${lastName}`.trim() || username,
        cells: grid.cells[at] ?? []
      }
    };
  });
  keyed.sort((a, b) => byName(a.key, b.key));
  return keyed.map(each => each.row);
}

/** The rows in whose names each word of the text is, and that have a cell in the state. */
export function filtered(rows: readonly IGridRow[], filter: IGridFilter): IGridRow[] {
  const words = filter.query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ student, name, cells }) => {
    const text = `${name} ${student.username}`.toLocaleLowerCase();
    return (
      words.every(word => text.includes(word)) &&
      (filter.state === null || cells.some(cell => cell.state === filter.state))
    );
  });
}

/** How many students are in each state of a column. */
export function columnCounts(rows: readonly IGridRow[], column: number): Map<CellState, number> {
  const counts = new Map<CellState, number>();
  for (const { cells } of rows) {
    const state = cells[column]?.state;
    if (state !== undefined) {
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  return counts;
}

/** Of how many students something is there, and of how many it should be in the end. */
export function shareOf(counts: ReadonlyMap<CellState, number>): [number, number] {
  const of = (...states: CellState[]) =>
    states.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
  const there = of('captured', 'late', 'changed');
  return [there, there + of('open', 'running', 'missing', 'failed', 'not_opened')];
}
