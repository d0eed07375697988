/** A student's own assignments in all courses, and the time left where a clock runs. */

import { VDomModel } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Countdown, momentOf } from './countdown';
import type { Elapsed, Moment } from './countdown';
import type { SnapshotsModel } from './model';
import type { OwnApi } from './ownApi';
import type { IOwnAssignment } from './ownTokens';

/** Seconds between two looks at an assignment whose clock runs. */
const LOOK_WHILE_RUNNING = 30;
/**
 * The same once its time has ended, until it was captured: a class that began together ends
 * together, and must not ask in step. The first pause is a random one of at most so long.
 */
const LOOK_AFTER_END = 10;
/** Longest of the pauses after the end, each of which is twice the one before. */
const LONGEST_LOOK = 60;
/** Seconds after the end for which the capture is waited for; after that the panel's poll does. */
const PATIENCE = 600;
/** Seconds that the clock may be off from one tick to the next before the machine has slept. */
const SLEPT = 5;
/** A new answer that differs by less, in seconds, changes no countdown: it would only jump. */
const JITTER = 2;

/** State of the section *Assignments* and of the time left; knows nothing of widgets. */
export class OwnAssignmentsModel extends VDomModel {
  constructor(options: OwnAssignmentsModel.IOptions) {
    super();
    this._model = options.model;
    this._api = options.api;
    this._elapsed = options.elapsed ?? (() => performance.now());
    this._random = options.random ?? Math.random;
    this._model.stateChanged.connect(this._onModelChanged, this);
    this._model.refreshing.connect(this._onRefreshing, this);
    this._onModelChanged();
  }

  /** Those of a course; null until they were loaded. */
  of(course: string): IOwnAssignment[] | null {
    return this._courses.get(course)?.list ?? null;
  }

  /** Why those of a course could not be loaded the last time. */
  problemOf(course: string): Error | null {
    return this._courses.get(course)?.problem ?? null;
  }

  find(course: string, id: number): IOwnAssignment | null {
    return this.of(course)?.find(each => each.id === id) ?? null;
  }

  /** Those whose clock runs, or has just ended; what ends first comes first. */
  get running(): OwnAssignmentsModel.IRunning[] {
    return [...this._clocks.values()]
      .map(({ course, assignment, countdown }) => ({ course, assignment, left: countdown.left }))
      .sort((one, other) => one.left - other.left);
  }

  /** Seconds that are left for one; null where no clock runs. */
  leftOf(course: string, id: number): number | null {
    return this._clocks.get(key(course, id))?.countdown.left ?? null;
  }

  /** Each second while a clock runs. */
  get ticked(): ISignal<this, void> {
    return this._ticked;
  }

  /** Little time is left, or none; see `MOMENTS`. */
  get reached(): ISignal<this, OwnAssignmentsModel.IReached> {
    return this._reached;
  }

  /** What was there at the end of the own time is in a snapshot. */
  get captured(): ISignal<this, OwnAssignmentsModel.ICaptured> {
    return this._captured;
  }

  /** Loads those of a course; `problemOf` tells what failed. One request at a time. */
  load(course: string): Promise<void> {
    const entry = this._entry(course);
    entry.pending ??= this._load(course, entry).finally(() => {
      entry.pending = null;
    });
    return entry.pending;
  }

  /** Opens one, with an empty password where none is asked for; rejects with an `ApiError`. */
  open(course: string, id: number, password: string): Promise<IOwnAssignment> {
    return this._open(course, () => this._api.open(course, id, password));
  }

  /** Opens one that is not in the list; rejects with an `ApiError`. */
  openHidden(course: string, title: string, password: string): Promise<IOwnAssignment> {
    return this._open(course, () => this._api.openHidden(course, title, password));
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    clearInterval(this._timer);
    this._model.stateChanged.disconnect(this._onModelChanged, this);
    this._model.refreshing.disconnect(this._onRefreshing, this);
    this._courses.clear();
    this._clocks.clear();
    Signal.clearData(this);
    super.dispose();
  }

  /** Loads once what the caller has in every course: a clock may run in one that is not shown. */
  private _onModelChanged(): void {
    const own = this._ownCourses();
    for (const course of this._courses.keys()) {
      if (!own.includes(course)) {
        this._courses.delete(course);
        this._setClocks(course, [], 0);
      }
    }
    for (const course of own) {
      if (!this._courses.has(course)) {
        void this.load(course);
      }
    }
  }

  private _onRefreshing(): void {
    const shown = this._model.course?.code;
    for (const course of this._ownCourses()) {
      if (course === shown || this.of(course) === null) {
        void this.load(course);
      }
    }
  }

  private _ownCourses(): string[] {
    if (!this._model.connected) {
      // Nobody leaves a course because the service can't be reached for a while.
      return [...this._courses.keys()];
    }
    const courses = this._model.me?.courses ?? [];
    return courses.filter(each => each.role === 'student').map(each => each.code);
  }

  private async _load(course: string, entry: ICourseEntry): Promise<void> {
    const begun = this._elapsed();
    const { turn } = entry;
    try {
      const list = await this._api.assignments(course);
      if (this._isCurrent(course, entry) && turn === entry.turn) {
        entry.list = list;
        entry.problem = null;
        this._setClocks(course, list, begun);
      }
    } catch (reason) {
      entry.problem = reason instanceof Error ? reason : new Error(String(reason));
    }
    if (this._isCurrent(course, entry)) {
      this.stateChanged.emit();
    }
  }

  private async _open(course: string, ask: () => Promise<IOwnAssignment>): Promise<IOwnAssignment> {
    const entry = this._entry(course);
    const begun = this._elapsed();
    const opened = await ask();
    if (this._isCurrent(course, entry)) {
      entry.turn += 1; // An answer that is still under way may be from before.
      const others = (entry.list ?? []).filter(each => each.id !== opened.id);
      entry.list = [...others, opened];
      this._setClocks(course, entry.list, begun, opened.id);
      this.stateChanged.emit();
    }
    return opened;
  }

  private _entry(course: string): ICourseEntry {
    let entry = this._courses.get(course);
    if (!entry) {
      entry = { list: null, problem: null, pending: null, turn: 0 };
      this._courses.set(course, entry);
    }
    return entry;
  }

  private _isCurrent(course: string, entry: ICourseEntry): boolean {
    return !this.isDisposed && this._courses.get(course) === entry;
  }

  /**
   * Starts, corrects and stops the clocks of a course after an answer.
   *
   * @param begun When the answer was asked for: what was left then is never too much.
   * @param only The one that the answer was about; all without.
   */
  private _setClocks(
    course: string,
    list: readonly IOwnAssignment[],
    begun: number,
    only?: number
  ): void {
    const gone = new Map(
      [...this._clocks].filter(
        ([, clock]) =>
          clock.course === course && (only === undefined || clock.assignment.id === only)
      )
    );
    for (const assignment of list) {
      if (only !== undefined && assignment.id !== only) {
        continue;
      }
      const name = key(course, assignment.id);
      const before = gone.get(name);
      if (this._hasClock(assignment)) {
        gone.delete(name);
        const found = new Countdown(assignment.timeLeftSeconds ?? 0, begun, this._elapsed);
        const isSame =
          before !== undefined && Math.abs(before.countdown.left - found.left) < JITTER;
        const clock: IClock = {
          course,
          assignment,
          countdown: isSame ? before.countdown : found,
          told: before === undefined ? (found.left ? null : 0) : before.told,
          lookedAt: this._elapsed(),
          pause: found.left ? null : (before?.pause ?? null)
        };
        this._clocks.set(name, clock);
      } else if (before && isCaptured(assignment)) {
        this._captured.emit({ course, assignment });
        this._model.reloadOwn(course);
      }
    }
    gone.forEach((_, name) => this._clocks.delete(name));
    this._runTimer();
    if (this._clocks.size > 0) {
      this._tellMoments();
    }
  }

  private _runTimer(): void {
    const needed = this._clocks.size > 0;
    if (needed && this._timer === undefined) {
      this._drift = this._driftNow();
      this._timer = setInterval(() => this._tick(), 1000);
    } else if (!needed) {
      clearInterval(this._timer);
      this._timer = undefined;
    }
  }

  private _tick(): void {
    const drift = this._driftNow();
    const hasSlept = Math.abs(drift - this._drift) > SLEPT * 1000;
    this._drift = drift;
    this._tellMoments();
    this._ticked.emit();
    const due = new Set<string>();
    for (const clock of this._clocks.values()) {
      if (hasSlept || this._shouldLook(clock)) {
        clock.lookedAt = this._elapsed();
        due.add(clock.course);
      }
    }
    due.forEach(course => void this.load(course));
  }

  /** Whether it is time to ask again; a request that fails counts as one that does not. */
  private _shouldLook(clock: IClock): boolean {
    const now = this._elapsed();
    const passed = (now - clock.lookedAt) / 1000;
    if (clock.countdown.left > 0) {
      return passed >= LOOK_WHILE_RUNNING;
    }
    if (clock.pause === null) {
      clock.pause = this._random() * LOOK_AFTER_END;
      clock.lookedAt = now;
      return false;
    }
    if (passed < clock.pause) {
      return false;
    }
    clock.pause = Math.min(LONGEST_LOOK, 2 * Math.max(clock.pause, LOOK_AFTER_END / 2));
    return true;
  }

  /** Whether time runs, or has ended a moment ago and nothing was captured yet. */
  private _hasClock(assignment: IOwnAssignment): boolean {
    const { ends, excused, timeLeftSeconds } = assignment;
    if (timeLeftSeconds === null || excused || isCaptured(assignment)) {
      return false;
    }
    const since = (this._model.api.clock.now().getTime() - Date.parse(ends ?? '')) / 1000;
    return timeLeftSeconds > 0 || since < PATIENCE;
  }

  /** Tells each moment once; again only after more time was given. */
  private _tellMoments(): void {
    for (const clock of this._clocks.values()) {
      const { course, assignment } = clock;
      const { left } = clock.countdown;
      const moment = momentOf(left);
      const isNew = moment !== null && (clock.told === null || moment < clock.told);
      clock.told = moment;
      if (isNew) {
        this._reached.emit({ course, assignment, moment, left });
      }
    }
  }

  /** How far the clock of the browser and the time that has passed are apart. */
  private _driftNow(): number {
    return Date.now() - this._elapsed();
  }

  private readonly _model: SnapshotsModel;
  private readonly _api: OwnApi;
  private readonly _elapsed: Elapsed;
  private readonly _random: () => number;
  private readonly _courses = new Map<string, ICourseEntry>();
  private readonly _clocks = new Map<string, IClock>();
  private readonly _ticked = new Signal<this, void>(this);
  private readonly _reached = new Signal<this, OwnAssignmentsModel.IReached>(this);
  private readonly _captured = new Signal<this, OwnAssignmentsModel.ICaptured>(this);
  private _timer: ReturnType<typeof setInterval> | undefined;
  private _drift = 0;
}

/** What `OwnAssignmentsModel` takes and tells. */
export namespace OwnAssignmentsModel {
  export interface IOptions {
    model: SnapshotsModel;
    api: OwnApi;
    /** Of the machine, whatever is done to its clock. */
    elapsed?: Elapsed;
    /** From 0 to 1; for the pauses after an end. */
    random?: () => number;
  }

  export interface IRunning {
    course: string;
    assignment: IOwnAssignment;
    /** Seconds; 0 from the end until it was captured. */
    left: number;
  }

  export interface ICaptured {
    course: string;
    assignment: IOwnAssignment;
  }

  export interface IReached extends ICaptured {
    moment: Moment;
    /** Seconds; less than the moment when the page was opened after it. */
    left: number;
  }
}

interface ICourseEntry {
  list: IOwnAssignment[] | null;
  problem: Error | null;
  pending: Promise<void> | null;
  /** Of the newest change that is not from a list. */
  turn: number;
}

interface IClock {
  course: string;
  assignment: IOwnAssignment;
  countdown: Countdown;
  /** The last moment that was told. */
  told: Moment | null;
  lookedAt: number;
  /** Seconds until the next look after the end; null before it. */
  pause: number | null;
}

/** Whether there is a snapshot of the end; one that was opened anew may have an older one. */
function isCaptured({ ends, snapshot, state }: IOwnAssignment): boolean {
  const at = Date.parse(snapshot?.beganAt ?? '');
  return state === 'captured' && !(at < Date.parse(ends ?? ''));
}

function key(course: string, id: number): string {
  return JSON.stringify([course, id]);
}
