/** The assignments of the course that is shown, and how far its students are. Knows no widgets. */

import { VDomModel } from '@jupyterlab/ui-components';
import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { AssignmentsApi } from './assignmentsApi';
import type {
  IAssignmentRow,
  IAssignmentsOverview,
  IAssignmentSnapshot,
  IGrid
} from './assignmentTokens';
import { LazyLists } from './lazy';
import type { SnapshotsModel } from './model';

/** Pause between two looks while something is captured, in milliseconds. */
const WHILE_CAPTURING = 5_000;
/** How long after an instant it is looked what came of it, in milliseconds. */
const AFTER_INSTANT = 2_000;
/** Longest pause after failures, in milliseconds. */
const LONGEST_PAUSE = 600_000;
/** Longest time a timer of the browser can wait for, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** See the module; empty until something was loaded, and for a student. */
export class AssignmentsModel extends VDomModel {
  constructor(readonly snapshots: SnapshotsModel) {
    super();
    this.api = new AssignmentsApi(snapshots.api);
    this._captured = new LazyLists(
      id => this.api.captured(this.course, Number(id)),
      () => this.stateChanged.emit()
    );
    snapshots.stateChanged.connect(this._onCourse, this);
    snapshots.refreshing.connect(this._onAsked, this);
    this._onCourse();
  }

  readonly api: AssignmentsApi;

  /** Code of the course that is shown. */
  get course(): string {
    if (this._course === null) {
      // Not for people: commands that need a course are not there without one.
      throw new Error('No course is chosen.');
    }
    return this._course;
  }

  /** The course's time zone. */
  get timeZone(): string {
    return this._overview?.timeZone ?? this.snapshots.course?.timeZone ?? 'UTC';
  }

  /** Null until it was loaded. */
  get overview(): IAssignmentsOverview | null {
    return this._overview;
  }

  /** Students × assignments; loaded only while somebody looks at it. */
  get grid(): IGrid | null {
    return this._grid;
  }

  /** Why the last attempt to load failed, or null. */
  get error(): Error | null {
    return this._error;
  }

  /** Why the grid could not be loaded, or null. */
  get gridError(): Error | null {
    return this._gridError;
  }

  /** Whether an answer is waited for. */
  get loading(): boolean {
    return this._loading > 0;
  }

  /** Told with the id of an assignment whose captured snapshots are to be shown. */
  get capturedAsked(): ISignal<this, number> {
    return this._capturedAsked;
  }

  find(id: number): IAssignmentRow | null {
    return this._overview?.assignments.find(each => each.id === id) ?? null;
  }

  /** What was captured for an assignment; null when it was not loaded yet. */
  captured(id: number): IAssignmentSnapshot[] | null {
    return this._captured.get(String(id));
  }

  loadCaptured(id: number): Promise<IAssignmentSnapshot[]> {
    return this._captured.load(String(id));
  }

  /** Why the captured could not be loaded. */
  capturedProblem(id: number): Error | null {
    return this._captured.errorOf(String(id));
  }

  showCaptured(id: number): void {
    this._capturedAsked.emit(id);
  }

  /** Keeps the grid loaded and fresh until what is returned is disposed of. */
  watchGrid(): IDisposable {
    this._watching += 1;
    void this.refresh();
    return new DisposableDelegate(() => {
      this._watching -= 1;
      this._plan();
    });
  }

  /** Loads anew what is shown; `error` and `gridError` tell of failures. */
  async refresh(): Promise<void> {
    clearTimeout(this._timer);
    if (this._course === null || this.isDisposed) {
      return;
    }
    const turn = this._turn;
    const asked = ++this._asked;
    const course = this._course;
    const isStale = () => turn !== this._turn || asked < this._answered || this.isDisposed;
    this._loading += 1;
    this.stateChanged.emit();
    const overview = this.api.overview(course).then(
      found => {
        if (!isStale()) {
          this._take(found);
          this._error = null;
        }
      },
      (reason: Error) => {
        if (!isStale()) {
          this._error = reason;
        }
      }
    );
    const grid =
      this._watching > 0 &&
      this.api.grid(course).then(
        found => {
          if (!isStale()) {
            this._grid = found;
            this._gridError = null;
          }
        },
        (reason: Error) => {
          if (!isStale()) {
            this._gridError = reason;
          }
        }
      );
    await Promise.all([overview, grid]);
    this._loading -= 1;
    if (!isStale()) {
      this._answered = asked;
      this._failures = this._error || this._gridError ? this._failures + 1 : 0;
      this._plan();
    }
    if (!this.isDisposed) {
      this.stateChanged.emit();
    }
  }

  async remove(id: number): Promise<void> {
    await this.api.remove(this.course, id);
    void this.refresh();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    clearTimeout(this._timer);
    this._turn += 1;
    this._captured.clear();
    this.snapshots.stateChanged.disconnect(this._onCourse, this);
    this.snapshots.refreshing.disconnect(this._onAsked, this);
    Signal.clearData(this);
    super.dispose();
  }

  /** Empties what belonged to another course. */
  private _onCourse(): void {
    const { snapshots } = this;
    const code = (snapshots.connected && snapshots.seesClass && snapshots.course?.code) || null;
    if (code === this._course) {
      return;
    }
    clearTimeout(this._timer);
    this._course = code;
    this._turn += 1;
    this._overview = null;
    this._grid = null;
    this._error = null;
    this._gridError = null;
    this._failures = 0;
    this._captured.clear();
    this.stateChanged.emit();
    if (code !== null && this._watching > 0) {
      void this.refresh();
    }
  }

  private _onAsked(): void {
    void this.refresh();
  }

  /** Takes over a new overview, and loads again the opened lists that it shows to be old. */
  private _take(found: IAssignmentsOverview): void {
    for (const key of this._captured.keys()) {
      const old = this.find(Number(key));
      const now = found.assignments.find(each => each.id === Number(key));
      if (JSON.stringify(old?.counts) !== JSON.stringify(now?.counts)) {
        void this._captured.reload(key);
      }
    }
    this._overview = found;
  }

  /** Looks again when something has happened by then, without a person who asks for it. */
  private _plan(): void {
    clearTimeout(this._timer);
    const isSeen = this.snapshots.visible || this._watching > 0;
    if (!isSeen || this.isDisposed) {
      return;
    }
    const now = this.snapshots.api.clock.now().getTime();
    const poll = this.snapshots.settings.pollInterval * 1000;
    let pause = nextPause(this._overview?.assignments ?? [], now);
    if (!this.snapshots.visible) {
      // The panel's own poll rests then.
      pause = Math.min(pause, poll);
    }
    if (this._failures > 0) {
      // What is known may say that much happens; the service has enough to do as it is.
      pause = Math.max(pause, Math.min(LONGEST_PAUSE, poll * 2 ** (this._failures - 1)));
    }
    if (pause < LONGEST_TIMER) {
      this._timer = setTimeout(() => this._lookAgain(), pause);
    }
  }

  private _lookAgain(): void {
    if (document.hidden) {
      this._timer = setTimeout(() => this._lookAgain(), WHILE_CAPTURING);
      return;
    }
    if (this._course !== null) {
      // What was begun by a deadline is shown as if a person had begun it.
      void this.snapshots.batches.resume(this._course).catch(() => undefined);
    }
    void this.refresh();
  }

  private readonly _captured: LazyLists<IAssignmentSnapshot>;
  private readonly _capturedAsked = new Signal<this, number>(this);
  private _course: string | null = null;
  private _overview: IAssignmentsOverview | null = null;
  private _grid: IGrid | null = null;
  private _error: Error | null = null;
  private _gridError: Error | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _watching = 0;
  private _loading = 0;
  private _turn = 0;
  private _asked = 0;
  private _answered = 0;
  /** Since the last answer. */
  private _failures = 0;
}

/** Milliseconds until it is worth looking again; infinite when nothing is to come. */
export function nextPause(assignments: readonly IAssignmentRow[], now: number): number {
  if (assignments.some(each => each.state === 'capturing' || each.counts.running > 0)) {
    return WHILE_CAPTURING;
  }
  const instants = assignments
    .flatMap(each => [each.visibleFrom, each.firstInstant, each.lastInstant, each.gradeRelease])
    .map(instant => (instant ? Date.parse(instant) + AFTER_INSTANT : NaN))
    .filter(instant => instant > now);
  return Math.min(Infinity, ...instants.map(instant => instant - now));
}
