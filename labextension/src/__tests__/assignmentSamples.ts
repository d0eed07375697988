/** Assignments as the service sends them. */

import type {
  IAssignmentCounts,
  IAssignmentRow,
  IAssignmentsOverview,
  IGrid,
  IGridCell
} from '../assignmentTokens';

const NOBODY: IAssignmentCounts = {
  open: 0,
  captured: 0,
  late: 0,
  missing: 0,
  excused: 0,
  failed: 0,
  running: 0,
  extended: 0
};

export function counts(more: Partial<IAssignmentCounts> = {}): IAssignmentCounts {
  return { ...NOBODY, ...more };
}

export function assignment(id: number, more: Partial<IAssignmentRow> = {}): IAssignmentRow {
  return {
    id,
    title: `Problem set ${id}`,
    description: null,
    document: 1,
    duedate: '2026-12-01T22:59:59Z',
    visibleFrom: null,
    visibleTill: null,
    gradeRelease: null,
    availability: null,
    pointValue: null,
    totalProblems: null,
    state: 'open',
    firstInstant: '2026-12-01T22:59:59Z',
    lastInstant: '2026-12-01T22:59:59Z',
    counts: counts({ open: 3 }),
    ...more
  };
}

export function overview(...assignments: IAssignmentRow[]): IAssignmentsOverview {
  return { students: 3, timeZone: 'Europe/Berlin', assignments };
}

export function cell(state: IGridCell['state'], more: Partial<IGridCell> = {}): IGridCell {
  return { state, at: null, snapshot: null, changed: 0, extended: false, ...more };
}

/** A grid of students that are called `s0`, `s1` and so on. */
export function grid(assignments: number[], ...rows: IGridCell[][]): IGrid {
  return {
    assignments,
    students: rows.map((_, at) => ({
      id: 100 + at,
      username: `s${at}`,
      firstName: '',
      lastName: '',
      active: true
    })),
    cells: rows
  };
}
