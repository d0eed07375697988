/** Assignments as instructors see them, as the service tells it. Instants are ISO 8601 in UTC. */

import type { ISnapshot } from './tokens';

/** A file of an instructor that assignments hand out. */
export interface IDocument {
  id: number;
  /** User id of its owner. */
  creator: number;
  date: string;
  scope: 'Private' | 'Public' | 'LinkOnly' | 'InstructorsOnly';
  description: string | null;
  filename: string;
}

/** How an assignment is opened. */
export type AvailabilityTag =
  'ViaPassword' | 'HiddenViaPassword' | 'ViaPasswordExpiring' | 'HiddenViaPasswordExpiring';

/** What is told of it; the password never is. */
export interface IAvailability {
  tag: AvailabilityTag;
  /** Minutes, where there is a limit of time. */
  contents: number | null;
}

/** The same as it is sent: the password, or password and minutes; without one it stays. */
export interface INewAvailability {
  tag: AvailabilityTag;
  contents: string | [string, number] | number | null;
}

export type AssignmentState =
  'upcoming' | 'open' | 'capturing' | 'collected' | 'released' | 'undated';

/** Work that students hand in by leaving it in their homes. */
export interface IAssignment {
  id: number;
  title: string;
  description: string | null;
  document: number | null;
  duedate: string | null;
  visibleFrom: string | null;
  visibleTill: string | null;
  gradeRelease: string | null;
  availability: IAvailability | null;
  pointValue: number | null;
  totalProblems: number | null;
}

/** How many students are how far. */
export interface IAssignmentCounts {
  open: number;
  captured: number;
  late: number;
  missing: number;
  excused: number;
  failed: number;
  running: number;
  /** Students with a date of their own. */
  extended: number;
}

/** An assignment in the overview of a course. */
export interface IAssignmentRow extends IAssignment {
  state: AssignmentState;
  /** Between these two is the instant of each student; null when nobody has one. */
  firstInstant: string | null;
  lastInstant: string | null;
  counts: IAssignmentCounts;
}

/** All assignments of a course. */
export interface IAssignmentsOverview {
  /** Students of the course now. */
  students: number;
  timeZone: string;
  assignments: IAssignmentRow[];
}

export type CellState =
  | 'none'
  | 'open'
  | 'running'
  | 'captured'
  | 'late'
  | 'changed'
  | 'missing'
  | 'failed'
  | 'excused'
  | 'not_opened';

/** How far a student is with an assignment. */
export interface IGridCell {
  state: CellState;
  /** The instant that counts; of what was captured, when that began. */
  at: string | null;
  snapshot: string | null;
  /** Files that were changed after the deadline. */
  changed: number;
  /** Whether the student has a due date of their own. */
  extended: boolean;
}

export interface IGridStudent {
  id: number | null;
  username: string;
  firstName: string;
  lastName: string;
  active: boolean;
}

/** Students × assignments. */
export interface IGrid {
  /** Ids, in the order of the cells. */
  assignments: number[];
  students: IGridStudent[];
  /** A row for each student. */
  cells: IGridCell[][];
}

/** A snapshot that was taken for an assignment. */
export interface IAssignmentSnapshot extends ISnapshot {
  assignment: number | null;
  kind: string | null;
  deadline: string | null;
  lateFiles: number;
}

/** An extension of one student for one assignment. */
export interface IExtension {
  id: number;
  onAssignment: number;
  /** User id of the student. */
  forUser: number;
  /** Null excuses the student. */
  until: string | null;
}

/** What a student is given for every assignment of a course. */
export interface IAccommodation {
  id: number | null;
  timeFactor: number;
  timeExtraMinutes: number;
  dateExtraHours: number;
}

/** A document, or a report that was held back, on its way into a home. */
export interface IDelivery {
  id: number;
  /** Username. */
  student: string;
  kind: 'document' | 'report';
  state: 'waiting' | 'delivered' | 'failed';
  /** Below the home; null while it is not there. */
  path: string | null;
  /** Whether something was there already, so that it has a number in its name. */
  renamed: boolean;
  errorCode: string | null;
  error: string | null;
  dueAt: string | null;
  at: string | null;
}

/** A person of the course with the ids that other records use. */
export interface IMemberIds {
  id: number;
  userId: number;
  username: string;
}

/** The instants of a deadline that a change may move. */
export interface IMoveTimes {
  due: string | null;
  closes: string | null;
  ends: string | null;
}

/** What a change would do to one student's deadline. */
export interface IMove {
  assignment: number;
  student: string;
  before: IMoveTimes;
  after: IMoveTimes;
  /** Whether only the instant moves, or something is captured at once, or once more. */
  effect: 'moves' | 'captured_again' | 'captured_now' | 'none';
  text: string;
}

/** Who moves if a change is saved. */
export interface IPreview {
  /** Remarks for people, such as on a clock change. */
  notes: string[];
  moves: IMove[];
}

/** Fields of an assignment as they are sent; dates are `YYYY-MM-DD HH:MM` of the course's zone. */
export interface IAssignmentFields {
  title?: string;
  document?: number;
  description?: string | null;
  duedate?: string | null;
  visibleFrom?: string | null;
  visibleTill?: string | null;
  gradeRelease?: string | null;
  availability?: INewAvailability | null;
  pointValue?: number | null;
}

/** A change whose effect is asked for before it is saved. */
export type PreviewChange =
  | { assignment: { id: number } & IAssignmentFields }
  | {
      extension: {
        onAssignment: number;
        students: readonly (string | number)[];
        until: string | null;
      };
    }
  | { accommodation: { student: string | number } & IAccommodationFields };

/** Fields of an accommodation that are changed. */
export type IAccommodationFields = Partial<
  Pick<IAccommodation, 'timeFactor' | 'timeExtraMinutes' | 'dateExtraHours'>
>;
