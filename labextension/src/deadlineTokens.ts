/** When a student's work is due, as the service tells it. Instants are ISO 8601 in UTC. */

/** What a step of the rule did. */
export type DeadlineRule =
  | 'dueDate'
  | 'override'
  | 'extension'
  | 'dateExtraHours'
  | 'visibleTill'
  | 'timed'
  | 'cappedByClosing';

/** One step that changed something. */
export interface IDeadlineStep {
  rule: DeadlineRule;
  /** What held until this step; null for nothing. */
  before: string | null;
  after: string | null;
  /** What it follows from, such as "extension 12". */
  source: string;
  /** A sentence for people, with its instants in the course's zone. */
  text: string;
}

/** A snapshot that is or was taken by itself. */
export interface IPlannedCapture {
  kind: 'deadline' | 'exam' | 'late' | 'warmup' | 'manual';
  at: string;
  state: 'planned' | 'running' | 'done' | 'failed' | 'skipped';
  /** The snapshot's name; null while there is none. */
  snapshot: string | null;
  /** How long after its instant the capture began; null before that. */
  lateSeconds: number | null;
}

/** When work is due, and what that follows from. */
export interface IDeadlineTimes {
  /** Null for no due date. */
  due: string | null;
  /** End of the late period; equal to `due` when there is none. */
  closes: string | null;
  /** End of the student's own time; null unless a timed assignment was opened. */
  ends: string | null;
  /** Students see the assignment from then on; null for always. */
  opens: string | null;
  /** Reports are delivered from then on. */
  release: string | null;
  /** The instant that counts. */
  fires: string | null;
  /** Whether nothing is asked of the student. */
  excused: boolean;
  steps: IDeadlineStep[];
  captures: IPlannedCapture[];
  /** Of the own time, at the time of the answer; null unless a timed assignment was opened. */
  timeLeftSeconds: number | null;
}

/** The deadline of one student for one assignment. */
export interface IDeadline extends IDeadlineTimes {
  /** Id of the assignment. */
  assignment: number;
  /** Username. */
  student: string;
}
