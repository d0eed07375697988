/** What the panel shows: the handshake, the course, its lists. Knows nothing of widgets. */

import { VDomModel } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { ApiError, SnapshotsApi } from './api';
import { BatchesModel } from './batches';
import { CourseLists } from './lists';
import { samePlace } from './links';
import type { Links } from './links';
import { DEFAULT_SETTINGS, pollFrequency } from './settings';
import type { IPanelSettings } from './settings';
import type { ICourse, IMe, INames, IPlace, ISnapshot, IStatus, IStudentRow } from './tokens';

/** State shared by panel, status bar and documents; `stateChanged` tells of each change. */
export class SnapshotsModel extends VDomModel {
  constructor(options: SnapshotsModel.IOptions) {
    super();
    this.api = options.api;
    this._recall = options.recall;
    this._remember = options.remember;
    this._lists = new CourseLists(
      this.api,
      () => this._code(),
      () => this.stateChanged.emit()
    );
    this.links.idOf = (course, student) =>
      (course === this._course?.code && this.students?.find(row => row.username === student)?.id) ||
      null;
    this.batches = new BatchesModel(this.api);
    this.batches.ended.connect(this._onBatchEnded, this);
    this._poll = new Poll({
      auto: false,
      name: 'jupyterhub-snapshots:lists',
      factory: () => this._pollOnce(),
      frequency: pollFrequency(this._settings),
      standby: () => (this._visible && (this.connected || this._isDown) ? 'when-hidden' : true)
    });
    this.ready = new Promise(resolve => {
      this._isReady = resolve;
    });
  }

  readonly api: SnapshotsApi;
  /** Captures that are running, or ended while this page was open. */
  readonly batches: BatchesModel;
  /** Settled when the first handshake is done and the course is chosen; never rejects. */
  readonly ready: Promise<void>;

  get links(): Links {
    return this.api.links;
  }

  /** What the handshake found; null before it, and when even the user's own server failed. */
  get status(): IStatus | null {
    return this._status;
  }

  /** Whether the service is there and talks like us. */
  get connected(): boolean {
    return this._status?.state === 'ok' && this._me !== null;
  }

  get me(): IMe | null {
    return this._me;
  }

  /** The course that is shown; null when the caller is in none. */
  get course(): ICourse | null {
    return this._course;
  }

  /** Whether the caller sees the class of the course. */
  get seesClass(): boolean {
    return this._course !== null && this._course.role !== 'student';
  }

  /** Whether the caller may change something in the class of the course. */
  get isInstructor(): boolean {
    return this._course?.role === 'instructor';
  }

  /** The students of the course; null until they were loaded, and for a student. */
  get students(): IStudentRow[] | null {
    return this._lists.students;
  }

  /** Snapshots by name over the class; null until they were loaded, and for a student. */
  get names(): INames | null {
    return this._lists.names;
  }

  /** Whether a person waits for an answer; the poll is not counted. */
  get loading(): boolean {
    return this._waiting > 0;
  }

  /** Why the last request for the handshake or the lists failed, or null. */
  get error(): ApiError | Error | null {
    return this._error;
  }

  /** The place of a snapshot whose files are shown. */
  get place(): IPlace | null {
    return this._place;
  }

  get placeChanged(): ISignal<this, IPlace | null> {
    return this._placeChanged;
  }

  /** The lists of the course are being loaded; what else is shown should be, too. */
  get refreshing(): ISignal<this, void> {
    return this._refreshing;
  }

  get settings(): IPanelSettings {
    return this._settings;
  }
  set settings(value: IPanelSettings) {
    this._settings = value;
    this._poll.frequency = pollFrequency(this._settings);
    this.stateChanged.emit();
  }

  /** Whether the panel is to be seen; lists are loaded and kept fresh only then. */
  get visible(): boolean {
    return this._visible;
  }
  set visible(value: boolean) {
    if (value === this._visible) {
      return;
    }
    this._visible = value;
    if (value && this.connected) {
      void this._loadLists(this.students === null);
    } else if (value && this._turn > 0 && !this.loading) {
      void this.connect();
    }
  }

  /** Makes the handshake, finds the caller's courses and goes to the remembered one. */
  async connect(): Promise<void> {
    const turn = ++this._turn;
    await this._wait(async () => {
      const status = await this.api.status();
      const me = status.state === 'ok' ? await this.api.me() : null;
      const recalled = me && !this._course ? await this._recalled() : this._course?.code;
      if (turn !== this._turn || this.isDisposed) {
        return;
      }
      this._status = status;
      this._me = me;
      this.links.me = me;
      await this._enter(me?.courses.find(each => each.code === recalled) ?? me?.courses[0] ?? null);
    });
    this._isReady();
    if (!this.isDisposed && this._poll.state.phase === 'constructed') {
      void this._poll.schedule(); // Not `start`, which would ask at once what was just asked.
    }
  }

  /** Loads everything that is shown anew, and what the caller is; see `connect` for the rest. */
  async refresh(): Promise<void> {
    if (!this.connected || this._course === null) {
      return this.connect();
    }
    const turn = ++this._turn;
    await this._wait(async () => {
      const me = await this.api.me();
      if (turn === this._turn && !this.isDisposed) {
        this._me = me;
        this.links.me = me;
        const code = this._course?.code;
        await this._enter(me.courses.find(each => each.code === code) ?? me.courses[0] ?? null);
      }
    });
  }

  /** Goes to another of the caller's courses; what is still on its way for the old one is dropped. */
  async selectCourse(code: string): Promise<void> {
    const found = this._me?.courses.find(each => each.code === code);
    if (!found || found.code === this._course?.code) {
      return;
    }
    this._remember?.(code);
    await this._enter(found);
  }

  /** Shows the files of a place; null shows none. */
  showPlace(place: IPlace | null): void {
    this._place = place;
    this._placeChanged.emit(place);
  }

  /** A student's snapshots, newest first; null when they were not loaded yet. */
  snapshotsOf(student: string): ISnapshot[] | null {
    return this._lists.byStudent.get(student);
  }

  /** Loads a student's snapshots; rejects with an `ApiError`, which `problemOf` keeps. */
  loadSnapshots(student: string): Promise<ISnapshot[]> {
    return this._lists.byStudent.load(student);
  }

  /** Loads the caller's own snapshots of a course again, where they are shown: there is another. */
  reloadOwn(course: string): void {
    const student = this._me?.username ?? '';
    if (course === this._course?.code && this.snapshotsOf(student)) {
      void this._lists.byStudent.reload(student);
    }
  }

  /** The class's snapshots of one name; null when they were not loaded yet. */
  snapshotsNamed(name: string): ISnapshot[] | null {
    return this._lists.byName.get(name);
  }

  loadNamed(name: string): Promise<ISnapshot[]> {
    return this._lists.byName.load(name);
  }

  /** Why a student's list, or a name's, could not be loaded. */
  problemOf(key: { student: string } | { name: string }): Error | null {
    return 'student' in key
      ? this._lists.byStudent.errorOf(key.student)
      : this._lists.byName.errorOf(key.name);
  }

  /** Pins or unpins a snapshot. */
  async pin(place: IPlace, pinned: boolean): Promise<void> {
    const changed = await this.api.pin(place, pinned);
    if (place.course !== this._course?.code) {
      return;
    }
    this._lists.replace(changed);
    await this._loadLists(false);
  }

  /** Deletes a snapshot for good. */
  async deleteSnapshot(place: IPlace): Promise<void> {
    await this.api.deleteSnapshot(place);
    if (this._place && samePlace(this._place, place)) {
      this.showPlace(null);
    }
    if (place.course === this._course?.code) {
      await this._loadLists(false, place);
    }
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._turn += 1;
    this._lists.clear();
    this._poll.dispose();
    this.batches.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  private _code(): string {
    if (!this._course) {
      throw new Error('No course is chosen.');
    }
    return this._course.code;
  }

  /** Whether the service did not answer: that may be over by itself. */
  private get _isDown(): boolean {
    return this._status?.state === 'down';
  }

  private async _recalled(): Promise<string | null> {
    try {
      return (await this._recall?.()) ?? null;
    } catch {
      return null; // Nothing remembered: the first course will do.
    }
  }

  /** Empties what belongs to the course before, then loads that of the new one. */
  private async _enter(course: ICourse | null): Promise<void> {
    const same = course?.code === this._course?.code && course?.role === this._course?.role;
    this._course = course;
    if (!same) {
      this._lists.clear();
      this._error = null;
      if (this._place !== null) {
        this.showPlace(null);
      }
    }
    this.stateChanged.emit();
    if (!course) {
      return;
    }
    this._findBatches();
    if (this._visible) {
      await this._loadLists(true);
    }
  }

  /** Finds what runs: after the page was loaded again, or what somebody else has started. */
  private _findBatches(): void {
    if (this._course && this.seesClass) {
      // That they can't be asked for is told by the lists.
      void this.batches.resume(this._course.code).catch(() => undefined);
    }
  }

  /** Loads the lists of the course; an answer that came too late changes nothing. */
  private async _loadLists(wait: boolean, touched: IPlace | null = null): Promise<void> {
    const course = this._course;
    if (!course) {
      return;
    }
    this._refreshing.emit();
    const load = async () => {
      if (await this._lists.load(course, this._me?.username ?? '', touched)) {
        this._error = null;
      }
    };
    if (wait) {
      await this._wait(load);
    } else {
      await load().catch((reason: Error) => {
        this._error = reason;
      });
      this.stateChanged.emit();
    }
  }

  /** Runs what a person waits for; its failure becomes `error`. */
  private async _wait(work: () => Promise<void>): Promise<void> {
    this._waiting += 1;
    this._error = null;
    this.stateChanged.emit();
    try {
      await work();
    } catch (reason) {
      this._error = reason instanceof Error ? reason : new Error(String(reason));
    } finally {
      this._waiting -= 1;
      if (!this.isDisposed) {
        this.stateChanged.emit();
      }
    }
  }

  /** For the poll, which pauses longer after each failure. */
  private async _pollOnce(): Promise<void> {
    if (!this.connected) {
      return this.connect();
    }
    this._findBatches();
    await this._loadLists(false);
    if (this._error) {
      throw this._error;
    }
  }

  private _onBatchEnded(_: BatchesModel, ended: BatchesModel.IEnded): void {
    if (ended.course === this._course?.code && this._visible) {
      void this._loadLists(false);
    }
  }

  private readonly _recall?: () => Promise<string | null>;
  private readonly _remember?: (code: string) => void;
  private readonly _lists: CourseLists;
  private readonly _poll: Poll;
  private readonly _refreshing = new Signal<this, void>(this);
  private readonly _placeChanged = new Signal<this, IPlace | null>(this);
  private _isReady: () => void = () => undefined;
  private _status: IStatus | null = null;
  private _me: IMe | null = null;
  private _course: ICourse | null = null;
  private _error: ApiError | Error | null = null;
  private _place: IPlace | null = null;
  private _settings = DEFAULT_SETTINGS;
  private _visible = false;
  private _waiting = 0;
  private _turn = 0;
}

/** Options of `SnapshotsModel`. */
export namespace SnapshotsModel {
  export interface IOptions {
    api: SnapshotsApi;
    /** The code of the course that was shown last, if it is known. */
    recall?: () => Promise<string | null>;
    /** Keeps the code of the course for the next time. */
    remember?: (code: string) => void;
  }
}
