/** Other dates for some students: what is filled in, who moves, and how it is saved for each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { AssignmentsModel } from '../assignments';
import type { IAssignmentRow, IExtension } from '../assignmentTokens';
import { NO_TIME, toInstant, toSend, toWall } from '../wallTime';
import type { IWallTime } from '../wallTime';
import { zoneTime } from '../zones';
import { FormModel } from './formDialog';
import { PreviewModel } from './preview';

/** What the students get: another date, nothing to do, or the date of the class again. */
export type Grant = 'until' | 'excused' | 'removed';

/** How far it is with one student. */
export type Outcome = { state: 'saving' | 'saved' } | { state: 'failed'; message: string };

/** See the module. */
export class ExtensionForm extends FormModel {
  constructor(private readonly _options: ExtensionForm.IOptions) {
    super();
    const { assignments, students, assignment } = _options;
    this._course = assignments.course;
    this._chosen = new Set(students);
    this.preview = new PreviewModel(assignments.api, this._course);
    this.preview.stateChanged.connect(() => this.stateChanged.emit(), this);
    const rows = this.assignments;
    const first = rows.find(each => each.id === assignment) ?? (rows.length === 1 ? rows[0] : null);
    if (first) {
      this.chooseAssignment(first.id);
    }
  }

  readonly preview: PreviewModel;
  /** By username; empty until it is being saved. */
  readonly outcomes = new Map<string, Outcome>();

  /** All assignments of the course. */
  get assignments(): readonly IAssignmentRow[] {
    return this._options.assignments.overview?.assignments ?? [];
  }

  get assignment(): IAssignmentRow | null {
    return this._assignment === null ? null : this._options.assignments.find(this._assignment);
  }

  get timeZone(): string {
    return this._options.assignments.timeZone;
  }

  get chosen(): ReadonlySet<string> {
    return this._chosen;
  }

  get grant(): Grant {
    return this._grant;
  }

  get until(): IWallTime {
    return this._until;
  }

  /** Why the extensions that there are could not be loaded, or null. */
  get loadError(): Error | null {
    return this._loadError;
  }

  get waiting(): boolean {
    return this.preview.loading;
  }

  /** How many of the chosen have an extension for the assignment already. */
  get extended(): number {
    return [...this._chosen].filter(each => this._old.has(each)).length;
  }

  get isChanged(): boolean {
    const { students } = this._options;
    const isSame =
      this._chosen.size === students.length && students.every(each => this._chosen.has(each));
    return this._isTouched || !isSame;
  }

  get isComplete(): boolean {
    return Object.values(this.problems).every(each => each === null);
  }

  /** What keeps it from being saved, by field. */
  get problems(): { [field in 'assignment' | 'students' | 'until']: string | null } {
    const { trans } = this._options;
    const needed = this._grant === 'until' && !toInstant(this._until, this.timeZone);
    return {
      assignment: this._assignment === null ? trans.__('Choose an assignment.') : null,
      students: this._chosen.size
        ? this._grant === 'removed' && !this.extended
          ? trans.__('None of the chosen students has an extension.')
          : null
        : trans.__('Nobody is chosen yet.'),
      until: needed ? trans.__('Give the day and the time.') : null
    };
  }

  /** What a student has now, in words; null for the date of the class. */
  noteOf(student: string): string | null {
    const old = this._old.get(student);
    const { trans } = this._options;
    if (!old) {
      return null;
    }
    return old.until
      ? trans.__('extended to %1', zoneTime(old.until, this.timeZone))
      : trans.__('excused');
  }

  /** Chooses students, by their usernames. */
  choose(students: ReadonlySet<string>): void {
    this._chosen = students;
    this._takeOld();
    this._changed();
  }

  /** Says what they get. */
  give(grant: Grant, until: IWallTime = this._until): void {
    this._grant = grant;
    this._until = until;
    this._isTouched = true;
    this._changed();
  }

  /** Goes to an assignment, and finds who has an extension for it. */
  chooseAssignment(id: number | null): void {
    this._assignment = id;
    this._old = new Map();
    this._loadError = null;
    this.outcomes.clear();
    if (id !== null) {
      this._loading = this._loadOld(id);
    }
    this._changed();
  }

  /** Settled when the extensions that there are were loaded, or could not be. */
  get loaded(): Promise<void> {
    return this._loading;
  }

  dispose(): void {
    this.preview.dispose();
    super.dispose();
  }

  protected async save(): Promise<boolean> {
    const { assignments, trans } = this._options;
    const id = this._assignment!;
    let failed = 0;
    for (const student of this._wanted()) {
      if (this.isDisposed) {
        break; // The dialog was closed: what was not saved yet is not.
      }
      this.outcomes.set(student, { state: 'saving' });
      this.stateChanged.emit();
      try {
        await this._saveOne(student, id);
        this.outcomes.set(student, { state: 'saved' });
      } catch (reason) {
        failed += 1;
        const message = reason instanceof Error ? reason.message : String(reason);
        this.outcomes.set(student, { state: 'failed', message });
      }
    }
    void assignments.refresh();
    if (failed) {
      throw new Error(
        trans._n(
          'One student’s date could not be saved. Try it again, or close this: what was saved stays.',
          'The dates of %1 students could not be saved. Try it again, or close this: what was saved stays.',
          failed
        )
      );
    }
    return true;
  }

  /** Of the chosen those that were not saved yet. */
  private _wanted(): string[] {
    return [...this._chosen].filter(
      each =>
        this.outcomes.get(each)?.state !== 'saved' &&
        (this._grant !== 'removed' || this._old.has(each))
    );
  }

  private async _saveOne(student: string, id: number): Promise<void> {
    const { api } = this._options.assignments;
    if (this._grant === 'removed') {
      await api.removeExtension(this._course, student, this._old.get(student)!.id);
    } else {
      await api.extend(this._course, student, id, this._sent());
    }
  }

  private _sent(): string | null {
    return this._grant === 'until' ? toSend(this._until, 'end') : null;
  }

  /** What differs from before is asked about; what was saved before it changed is to be saved again. */
  private _changed(): void {
    this.outcomes.clear();
    this.stateChanged.emit();
    const { assignments } = this._options;
    const isAsked = this.isComplete && this._grant !== 'removed';
    const { api } = assignments;
    this.preview.ask(
      isAsked
        ? {
            extension: {
              onAssignment: this._assignment!,
              students: [...this._chosen].map(each => api.refOf(this._course, each)),
              until: this._sent()
            }
          }
        : null
    );
  }

  private async _loadOld(id: number): Promise<void> {
    const { api } = this._options.assignments;
    try {
      const [extensions, members] = await Promise.all([
        api.extensionsOn(this._course, id),
        api.members(this._course)
      ]);
      if (this._assignment !== id || this.isDisposed) {
        return;
      }
      const names = new Map(members.map(each => [each.userId, each.username]));
      this._old = new Map(extensions.map(each => [names.get(each.forUser) ?? '', each]));
      this._takeOld();
      this._changed();
    } catch (reason) {
      if (this._assignment === id && !this.isDisposed) {
        this._loadError = reason as Error;
        this.stateChanged.emit();
      }
    }
  }

  /** Shows what the one chosen student has, unless something else was given. */
  private _takeOld(): void {
    const [only, ...others] = this._chosen;
    const old = only !== undefined && !others.length ? this._old.get(only) : undefined;
    if (this._isTouched) {
      return;
    }
    this._grant = old && old.until === null ? 'excused' : 'until';
    this._until = old?.until ? toWall(old.until, this.timeZone) : NO_TIME;
  }

  private readonly _course: string;
  private _chosen: ReadonlySet<string>;
  private _assignment: number | null = null;
  private _grant: Grant = 'until';
  private _until = NO_TIME;
  private _isTouched = false;
  private _old = new Map<string, IExtension>();
  private _loading: Promise<void> = Promise.resolve();
  private _loadError: Error | null = null;
}

/** Options of `ExtensionForm`. */
export namespace ExtensionForm {
  export interface IOptions {
    assignments: AssignmentsModel;
    /** Id of the one that is chosen at first. */
    assignment?: number;
    /** Usernames that are chosen at first. */
    students: readonly string[];
    trans: TranslationBundle;
  }
}
