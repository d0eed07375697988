/** Where a return of reports is: chosen, checked, sent. Knows nothing of widgets. */

import { VDomModel } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { SnapshotsApi } from '../api';
import {
  addressed,
  DamagedZip,
  isSendable,
  MAX_BYTES,
  MAX_FILES,
  plan,
  returnAll,
  TooMuch,
  unpack
} from '../reports';
import type { IOutcome, IPlan, IReturnedFile } from '../reports';

/** What is going on. */
export type Phase = 'choosing' | 'checking' | 'checked' | 'sending' | 'done';

/** One return of reports. */
export class ReportsModel extends VDomModel {
  constructor(private readonly _options: ReportsModel.IOptions) {
    super();
  }

  /** The one student that all files are for, if there is one. */
  get student(): string | undefined {
    return this._options.student;
  }

  get phase(): Phase {
    return this._phase;
  }

  /** Why the files can't be checked, in words. */
  get error(): string | null {
    return this._error;
  }

  /** All files, those with a problem first, then those that seem to be somebody else's. */
  get plans(): readonly IPlan[] {
    return this._plans;
  }

  /** How it went, by file. */
  get outcomes(): ReadonlyMap<string, IOutcome> {
    return this._outcomes;
  }

  isChosen(each: IPlan): boolean {
    return this._chosen.has(each.file);
  }

  /** How many files will be sent. */
  get chosen(): number {
    return this._chosen.size;
  }

  /** Of those that were to be sent: how many, how many were, how many failed. */
  get progress(): { total: number; returned: number; failed: number } {
    const outcomes = [...this._outcomes.values()];
    const failed = outcomes.filter(each => each.name === null).length;
    return { total: this._chosen.size, returned: outcomes.length - failed, failed };
  }

  choose(each: IPlan, isChosen: boolean): void {
    if (isChosen && isSendable(each)) {
      this._chosen.add(each.file);
    } else {
      this._chosen.delete(each.file);
    }
    this.stateChanged.emit();
  }

  /** Chooses all that can be returned, or none. */
  chooseAll(areChosen: boolean): void {
    this._chosen = new Set(areChosen ? this._plans.filter(isSendable).map(each => each.file) : []);
    this.stateChanged.emit();
  }

  /** Reads the files, unpacks zips, and asks the service what would become of each. */
  async check(files: readonly IReturnedFile[]): Promise<void> {
    const { api, course, names, student, trans } = this._options;
    this._set('checking');
    try {
      const ready = addressed(await unpack(files), names, student);
      if (!ready.length) {
        this._error = trans.__('There is no file in what was chosen.');
        this._set('choosing');
        return;
      }
      const checks = await api.checkReports(
        course,
        ready.map(each => each.path)
      );
      const order = (each: IPlan) => (each.problem !== null ? 0 : each.other !== null ? 1 : 2);
      this._plans = plan(ready, checks).sort((a, b) => order(a) - order(b));
      const likely = this._plans.filter(each => isSendable(each) && each.other === null);
      this._chosen = new Set(likely.map(each => each.file));
      this._set('checked');
    } catch (reason) {
      this._error = reportsTrouble(reason as Error, this._options.trans);
      this._set('choosing');
    }
  }

  /** Returns what is chosen; ends early after `cancel`. */
  async send(): Promise<void> {
    this._outcomes.clear();
    await this._sendRest();
  }

  /** Goes on with what was not sent after `cancel`. */
  async resume(): Promise<void> {
    await this._sendRest();
  }

  /** Tries again what failed. */
  async retry(): Promise<void> {
    const failed = this._plans.filter(each => this._outcomes.get(each.file)?.name === null);
    failed.forEach(each => this._outcomes.delete(each.file));
    await this._send(failed);
  }

  /** Stops after the file that is being sent. */
  cancel(): void {
    this._abort?.abort();
  }

  /** Back to choosing files. */
  startOver(): void {
    this._plans = [];
    this._chosen.clear();
    this._outcomes.clear();
    this._set('choosing');
  }

  dispose(): void {
    this.cancel();
    super.dispose();
  }

  private async _sendRest(): Promise<void> {
    const isLeft = (each: IPlan) => this._chosen.has(each.file) && !this._outcomes.has(each.file);
    await this._send(this._plans.filter(isLeft));
  }

  private async _send(wanted: readonly IPlan[]): Promise<void> {
    const { api, course } = this._options;
    const abort = (this._abort = new AbortController());
    this._set('sending');
    await returnAll(wanted, {
      send: (student, content, name) => api.returnReport(course, student, content, name),
      onOutcome: outcome => {
        this._outcomes.set(outcome.file, outcome);
        this.stateChanged.emit();
      },
      signal: abort.signal
    });
    this._set('done');
  }

  private _set(phase: Phase): void {
    if (phase !== 'choosing') {
      this._error = null;
    }
    this._phase = phase;
    if (!this.isDisposed) {
      this.stateChanged.emit();
    }
  }

  private _phase: Phase = 'choosing';
  private _error: string | null = null;
  private _plans: readonly IPlan[] = [];
  private _chosen = new Set<string>();
  private readonly _outcomes = new Map<string, IOutcome>();
  private _abort: AbortController | null = null;
}

/** Why files can't be returned, in words. */
export function reportsTrouble(reason: Error, trans: TranslationBundle): string {
  if (reason instanceof TooMuch) {
    return reason.reason === 'files'
      ? trans.__('These are more than %1 files. Return them in several goes.', MAX_FILES)
      : trans.__(
          'These files are larger than %1 MB together. Return them in several goes.',
          MAX_BYTES / (1024 * 1024)
        );
  }
  if (reason instanceof DamagedZip) {
    return trans.__('%1 is not a zip, or it is damaged. Pack it again.', reason.path);
  }
  return reason.message;
}

/** Options of the model. */
export namespace ReportsModel {
  export interface IOptions {
    api: SnapshotsApi;
    /** Code of the course. */
    course: string;
    /** See `namesOf`. */
    names: ReadonlyMap<string, string>;
    student?: string;
    trans: TranslationBundle;
  }
}
