/** Captures that run: how they are started, followed, cancelled and tried again. */

import { VDomModel } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { ApiError } from './api';
import type { INewBatch, SnapshotsApi } from './api';
import type { IServerEvent } from './events';
import type { IBatch, IBatchItem, IBatchSummary } from './tokens';

/** Pauses between two attempts to see where a batch stands, in milliseconds. */
const PAUSES = [1000, 2000, 5000, 10000, 30000];
/** Without a first event after this time something on the way keeps events back. */
const FIRST_EVENT_WITHIN = 5000;
/** The service gives a sign of life every 15 seconds. */
const SIGN_OF_LIFE_WITHIN = 45000;

/** A batch that is shown, and what a person asked of it. */
export interface IFollowed {
  course: string;
  batch: IBatch;
  /** What was asked for and is not answered yet. */
  asked: 'cancel' | 'retry' | null;
  /** Why it can't be seen where the batch stands, or why what was asked for failed. */
  error: Error | null;
}

/** The batches that are shown; `stateChanged` tells of each change. */
export class BatchesModel extends VDomModel {
  constructor(private readonly _api: SnapshotsApi) {
    super();
  }

  /** Newest first; of all courses that were visited. */
  get all(): readonly IFollowed[] {
    return this._followed;
  }

  /** Those of a course, newest first. */
  of(course: string): readonly IFollowed[] {
    return this._followed.filter(each => each.course === course);
  }

  /** Those that still run. */
  get running(): readonly IFollowed[] {
    return this._followed.filter(each => each.batch.state === 'running');
  }

  /** Told when a batch that was running has ended. */
  get ended(): ISignal<this, BatchesModel.IEnded> {
    return this._ended;
  }

  /**
   * Finds the batches of a course that run and are not followed: after the page was loaded again,
   * and what was started, or tried again, in another page.
   */
  async resume(course: string): Promise<void> {
    const ended = this.of(course).filter(each => each.batch.state !== 'running');
    const found = await this._api.batches(course);
    for (const each of found.filter(batch => batch.state === 'running').reverse()) {
      const old = this._find(course, each.id);
      if (!old || ended.includes(old)) {
        this._follow(course, { ...each, items: old?.batch.items ?? [] });
      }
    }
  }

  /** Starts captures and follows them. */
  async take(course: string, wanted: INewBatch): Promise<IBatch> {
    const batch = await this._api.take(course, wanted);
    this._follow(course, batch);
    return batch;
  }

  /** Shows a batch of the past, too, so that its failures can be read and tried again. */
  async show(course: string, id: number): Promise<void> {
    if (!this._find(course, id)) {
      this._follow(course, await this._api.batch(course, id));
    }
  }

  /** Cancels what is not done yet; what was taken stays. */
  async cancel(course: string, id: number): Promise<void> {
    await this._ask(course, id, 'cancel', () => this._api.cancelBatch(course, id));
  }

  /** Runs again what failed or was cancelled. */
  async retry(course: string, id: number): Promise<void> {
    await this._ask(course, id, 'retry', () => this._api.retryBatch(course, id));
  }

  /** No longer shows a batch; nothing happens to it. */
  dismiss(course: string, id: number): void {
    this._followed = this._followed.filter(each => each.course !== course || each.batch.id !== id);
    this._aborts.get(key(course, id))?.abort();
    this.stateChanged.emit();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._aborts.forEach(each => each.abort());
    this._aborts.clear();
    Signal.clearData(this);
    super.dispose();
  }

  private _find(course: string, id: number): IFollowed | undefined {
    return this._followed.find(each => each.course === course && each.batch.id === id);
  }

  private async _ask(
    course: string,
    id: number,
    asked: 'cancel' | 'retry',
    request: () => Promise<IBatch>
  ): Promise<void> {
    const entry = this._find(course, id);
    if (!entry || entry.asked) {
      return;
    }
    this._change(entry, { asked, error: null });
    try {
      const batch = await request();
      this._change(entry, { asked: null });
      this._see(entry, batch);
      this._watch(entry);
    } catch (reason) {
      this._change(entry, { asked: null, error: reason as Error });
    }
  }

  private _follow(course: string, batch: IBatch): void {
    const old = this._find(course, batch.id);
    const entry: IFollowed = old ?? { course, batch, asked: null, error: null };
    if (old) {
      old.batch = batch;
    } else {
      this._followed = [entry, ...this._followed];
    }
    this.stateChanged.emit();
    this._watch(entry);
  }

  /** Follows the batch until it has ended; a second call for the same batch does nothing. */
  private _watch(entry: IFollowed): void {
    const name = key(entry.course, entry.batch.id);
    if (this.isDisposed || this._aborts.has(name) || entry.batch.state !== 'running') {
      return;
    }
    const abort = new AbortController();
    this._aborts.set(name, abort);
    void this._watchUntilEnd(entry, abort.signal).finally(() => {
      this._aborts.delete(name);
      if (!abort.signal.aborted) {
        this._watch(entry); // Somebody may have asked for it again in this moment.
      }
    });
  }

  private async _watchUntilEnd(entry: IFollowed, signal: AbortSignal): Promise<void> {
    let attempt = 0;
    let useEvents = true;
    while (!signal.aborted && entry.batch.state === 'running') {
      if (useEvents) {
        const seen = await this._listen(entry, signal);
        useEvents = seen > 0;
        attempt = seen > 0 ? 0 : attempt;
      }
      if (signal.aborted || entry.batch.state !== 'running') {
        return;
      }
      await sleep(PAUSES[Math.min(attempt, PAUSES.length - 1)], signal);
      if (signal.aborted) {
        return;
      }
      try {
        this._see(entry, await this._api.batch(entry.course, entry.batch.id), signal);
        // What answers quickly may be asked quickly, what does not is left alone for longer.
        attempt = useEvents ? attempt + 1 : 1;
      } catch (reason) {
        if (signal.aborted) {
          return;
        }
        attempt += 1;
        useEvents = true;
        this._change(entry, { error: reason as Error });
        if (reason instanceof ApiError && (reason.status === 404 || reason.status === 403)) {
          return this._lost(entry);
        }
      }
    }
  }

  /** Reads events until their end; how many there were, signs of life included. */
  private async _listen(entry: IFollowed, signal: AbortSignal): Promise<number> {
    const abort = new AbortController();
    const stop = () => abort.abort();
    signal.addEventListener('abort', stop);
    let timer = setTimeout(stop, FIRST_EVENT_WITHIN);
    let seen = 0;
    try {
      for await (const event of this._api.batchEvents(entry.course, entry.batch.id, abort.signal)) {
        clearTimeout(timer);
        if (signal.aborted) {
          return seen;
        }
        timer = setTimeout(stop, SIGN_OF_LIFE_WITHIN);
        seen += 1;
        this._hear(entry, event);
        if (entry.batch.state !== 'running') {
          return seen;
        }
      }
    } catch {
      // A connection that broke: where the batch stands is asked for next.
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      stop();
    }
    return seen;
  }

  private _hear(entry: IFollowed, event: IServerEvent): void {
    if (event.event === 'items') {
      const items = merged(entry.batch.items, JSON.parse(event.data) as IBatchItem[]);
      this._see(entry, { ...entry.batch, items, counts: counted(items) });
    } else if (event.event === 'end') {
      this._see(entry, JSON.parse(event.data) as IBatch);
    }
  }

  /** Takes over where a batch stands, and tells when that is its end. */
  private _see(entry: IFollowed, batch: IBatch, signal?: AbortSignal): void {
    if (this.isDisposed || signal?.aborted) {
      return;
    }
    const ran = entry.batch.state === 'running';
    entry.batch = batch;
    entry.error = null;
    this.stateChanged.emit();
    if (ran && batch.state !== 'running') {
      this._ended.emit({ course: entry.course, batch });
    }
  }

  /** A batch that this caller can't see any more does not run as far as the panel knows. */
  private _lost(entry: IFollowed): void {
    this._followed = this._followed.filter(each => each !== entry);
    this.stateChanged.emit();
  }

  private _change(entry: IFollowed, change: Partial<IFollowed>): void {
    Object.assign(entry, change);
    if (!this.isDisposed) {
      this.stateChanged.emit();
    }
  }

  private _followed: IFollowed[] = [];
  private readonly _aborts = new Map<string, AbortController>();
  private readonly _ended = new Signal<this, BatchesModel.IEnded>(this);
}

/** Types of `BatchesModel`. */
export namespace BatchesModel {
  /** A batch that has ended. */
  export interface IEnded {
    course: string;
    batch: IBatch;
  }
}

/** How many students' captures of a batch there are in all, and in a state. */
export function count(batch: IBatchSummary, ...states: IBatchItem['state'][]): number {
  const wanted = states.length ? states : Object.keys(batch.counts);
  return wanted.reduce((sum, state) => sum + (batch.counts[state] ?? 0), 0);
}

/** How much of a batch has ended, from 0 to 1. */
export function progress(batch: IBatchSummary): number {
  const all = count(batch);
  return all ? count(batch, 'done', 'failed', 'cancelled') / all : 0;
}

function merged(old: IBatchItem[], changed: IBatchItem[]): IBatchItem[] {
  const items = new Map(old.map(item => [item.student, item]));
  changed.forEach(item => items.set(item.student, item));
  return [...items.values()];
}

function counted(items: IBatchItem[]): { [state: string]: number } {
  const counts: { [state: string]: number } = {};
  for (const item of items) {
    counts[item.state] = (counts[item.state] ?? 0) + 1;
  }
  return counts;
}

function key(course: string, id: number): string {
  return `${id}@${course}`;
}

/** Waits; ends early, and without an error, when the signal is given. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
