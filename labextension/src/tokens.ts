/**
 * The JSON of the service, as its API describes it, and the names by which the plugins of this
 * package find each other. Instants are ISO 8601 in UTC, sizes are bytes.
 */

import { Token } from '@lumino/coreutils';
import type { SnapshotsModel } from './model';
import type { OwnAssignmentsModel } from './ownAssignments';

/** What the caller is in a course; an assistant sees what an instructor sees, and changes nothing. */
export type Role = 'instructor' | 'assistant' | 'student';

/** A course of the caller. */
export interface ICourse {
  code: string;
  title: string;
  timeZone: string;
  role: Role;
}

/** Who is calling, and where they belong. */
export interface IMe {
  username: string;
  admin: boolean;
  courses: ICourse[];
}

/** What the server extension found when it asked for the service. */
export interface IStatus {
  state: 'ok' | 'not_configured' | 'down' | 'refused' | 'other_version';
  message: string;
  version: string;
  serviceVersion: string | null;
  ident?: string;
}

/** How good a snapshot is: `imported` and `unknown` have no manifest of a capture. */
export type SnapshotState = 'complete' | 'incomplete' | 'imported' | 'unknown';

/** The newest snapshot of a student, in short. */
export interface INewest {
  name: string;
  state: SnapshotState;
  beganAt: string | null;
  endedAt: string | null;
  problemCount: number;
  bytes: number | null;
  changedFiles: number;
}

/** A capture that failed after the newest snapshot. */
export interface IFailure {
  at: string | null;
  code: string | null;
  message: string | null;
  batch: number;
}

/** A row of the students of a course. */
export interface IStudentRow {
  /** Of the membership; null for somebody who only has snapshots. */
  id: number | null;
  username: string;
  canvasId: string | null;
  firstName: string;
  lastName: string;
  /** Whether this is a student of the course now. */
  active: boolean;
  /** What this is in the course now; null for one who left, or never was in it. */
  role: Role | null;
  snapshots: number;
  newest: INewest | null;
  lastFailure: IFailure | null;
}

/** Snapshots of one name over the class. */
export interface INameRow {
  name: string;
  taken: number;
  complete: number;
  incomplete: number;
  other: number;
  beganAt: string | null;
  endedAt: string | null;
  files: number | null;
  bytes: number | null;
  copiedBytes: number | null;
  pinned: number;
  batch: number | null;
}

/** The names of a course's snapshots, newest first, and how many students there are now. */
export interface INames {
  students: number;
  snapshots: INameRow[];
}

/** One snapshot of one student. */
export interface ISnapshot {
  student: string;
  name: string;
  state: SnapshotState;
  beganAt: string | null;
  endedAt: string | null;
  files: number | null;
  bytes: number | null;
  copiedBytes: number | null;
  changedFiles: number;
  problemCount: number;
  digest: string | null;
  pinned: boolean;
  batch: number | null;
  createdBy: string | null;
}

/** Something of a home that is not in its snapshot as it should be. */
export interface IProblem {
  path: string;
  reason: string;
}

/** One snapshot with what is missing in it. */
export interface ISnapshotDetail extends ISnapshot {
  parent: string | null;
  includeHidden: boolean | null;
  problems: IProblem[];
}

/** A file, folder or link of a snapshot. */
export interface IEntry {
  name: string;
  path: string;
  type: 'file' | 'folder' | 'link' | 'special';
  size: number;
  modifiedAt: string | null;
}

/** The capture of one student within a batch. */
export interface IBatchItem {
  student: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  attempts: number;
  beganAt: string | null;
  endedAt: string | null;
  errorCode: string | null;
  error: string | null;
  outcome: string | null;
  problemCount: number;
  files: number | null;
  bytes: number | null;
  copiedBytes: number | null;
}

/** Captures started together. */
export interface IBatchSummary {
  id: number;
  name: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  requestedBy: string;
  requestedAt: string;
  includeHidden: boolean;
  counts: { [state: string]: number };
}

/** A batch with the capture of each student. */
export interface IBatch extends IBatchSummary {
  items: IBatchItem[];
}

/** What differs between two snapshots of a student, as a page of entries. */
export interface IComparison {
  base: string;
  other: string;
  counts: { added: number; removed: number; changed: number };
  truncated: boolean;
  entries: IDifference[];
}

/** A file that differs. */
export interface IDifference {
  path: string;
  change: 'added' | 'removed' | 'changed';
  type: string;
  size: number | null;
  baseSize: number | null;
}

/** What would happen to a file that is returned. */
export interface IReportCheck {
  file: string;
  student: string | null;
  reportName: string | null;
  problem: string | null;
  message: string | null;
}

/** A file or folder of a snapshot; `api` is the snapshot's address below `api/v1/`. */
export interface ISourceRef {
  api: string;
  path: string;
}

/** One side of a comparison: of a snapshot, of one's own files, or nothing. */
export type SideRef = ISourceRef | { file: string } | null;

/** Two contents to be shown beside each other. */
export type Difference =
  | { kind: 'notebook'; base: unknown; diff: unknown[] }
  | { kind: 'text'; base: string; other: string }
  /** A size is null for a side that is not there. */
  | { kind: 'binary'; same: boolean; baseSize: number | null; otherSize: number | null };

/** What was copied into one's own files. */
export interface ICopied {
  /** Below the folder that the target was given for. */
  path: string;
  /** What JupyterLab calls it; null when it shows only another part of the home. */
  shownAs: string | null;
  keptAs: string | null;
  /** Links that lead out of what was copied. */
  leftOut: number;
}

/** A snapshot of a student in a course, and perhaps a place in it. */
export interface IPlace {
  course: string;
  student: string;
  snapshot: string;
  /** Relative to the snapshot; empty for its top. */
  path: string;
}

/** What the panel offers to other plugins. */
export interface ISnapshots {
  /** The state that panel, status bar and documents share. */
  readonly model: SnapshotsModel;
  /** A student's own assignments and the time left. */
  readonly own: OwnAssignmentsModel;
  /** Shows a place of a snapshot in the panel. */
  reveal(place: IPlace): void;
}

/** The panel's token. */
export const ISnapshots = new Token<ISnapshots>(
  'jupyterhub-snapshots:ISnapshots',
  'The snapshots of the courses of this user.'
);

/** Name of the drive in which the files of snapshots are. */
export const DRIVE = 'Snapshots';

/** The commands of this package. */
export namespace CommandIDs {
  export const openPanel = 'snapshots:open-panel';
  export const refresh = 'snapshots:refresh';
  export const take = 'snapshots:take-snapshot';
  export const returnReports = 'snapshots:return-reports';
  export const downloadClass = 'snapshots:download-class';
  export const showBatch = 'snapshots:show-batch';
  export const openSnapshot = 'snapshots:open-snapshot';
  export const downloadSnapshot = 'snapshots:download-snapshot';
  export const showDetails = 'snapshots:show-details';
  export const pinSnapshot = 'snapshots:pin-snapshot';
  export const deleteSnapshot = 'snapshots:delete-snapshot';
  export const compareSnapshots = 'snapshots:compare-snapshots';
  export const openFile = 'snapshots:open-file';
  export const downloadFile = 'snapshots:download-file';
  export const downloadFolder = 'snapshots:download-folder';
  export const copyPath = 'snapshots:copy-path';
  export const copyToMyFiles = 'snapshots:copy-to-my-files';
  export const restore = 'snapshots:restore';
  export const compareFile = 'snapshots:compare-file';
  export const newAssignment = 'snapshots:new-assignment';
  export const editAssignment = 'snapshots:edit-assignment';
  export const deleteAssignment = 'snapshots:delete-assignment';
  export const grantExtension = 'snapshots:grant-extension';
  export const accommodate = 'snapshots:set-accommodation';
  export const whyDeadline = 'snapshots:why-deadline';
  export const openGrid = 'snapshots:open-grid';
  export const showCaptured = 'snapshots:show-captured';
  export const downloadCaptured = 'snapshots:download-captured';
  export const deliverDocument = 'snapshots:deliver-document';
}
