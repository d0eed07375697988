/** A student's own assignments, as the service tells them. */

import type { IDeadlineTimes } from './deadlineTokens';

/** Where an own assignment stands. */
export type OwnState =
  | 'open'
  /** It has to be opened, and was not yet. */
  | 'not_opened'
  /** The clock runs. */
  | 'running_out'
  | 'closed'
  | 'captured';

/** An assignment that the student may see, with the own deadline. */
export interface IOwnAssignment extends IDeadlineTimes {
  id: number;
  title: string;
  description: string | null;
  /** How it is opened; null for one that needs no opening. */
  availability: {
    /** The student's own minutes; null without a limit. */
    timed: number | null;
    password: boolean;
  } | null;
  /** When the student opened it. */
  opened: string | null;
  state: OwnState;
  /** The snapshot that counts; there may be one before the end, taken by hand. */
  snapshot: {
    name: string;
    beganAt: string | null;
    /** Files in it that were changed after the deadline. */
    changed: number;
  } | null;
  /** Path of the document that was put into the home, relative to it. */
  delivered: string | null;
  /** What came of putting it there; null for one without a document, or before its time. */
  delivery: {
    state: 'waiting' | 'delivered' | 'failed';
    path: string | null;
    /** Whether there was something else of its name. */
    renamed: boolean;
    errorCode: string | null;
    error: string | null;
  } | null;
}

/** The commands about own assignments; but for the hidden ones they take `course` and `id`. */
export namespace OwnCommandIDs {
  export const open = 'snapshots:open-assignment';
  export const openHidden = 'snapshots:open-hidden-assignment';
  export const openDocument = 'snapshots:open-own-document';
  export const why = 'snapshots:why-own-deadline';
  export const downloadReceipt = 'snapshots:download-receipt';
  export const showReceipt = 'snapshots:show-receipt';
}
