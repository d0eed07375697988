/** What is filled in for an assignment: what is wrong with it, what is sent, and how it is saved. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { AssignmentsModel } from '../assignments';
import type {
  IAssignmentFields,
  IAssignmentRow,
  IDocument,
  INewAvailability
} from '../assignmentTokens';
import { END_OF_DAY, toInstant, toSend, toWall } from '../wallTime';
import type { IWallTime } from '../wallTime';
import { FormModel } from './formDialog';
import { PreviewModel } from './preview';

/** How students get at an assignment. */
export type Access = 'none' | 'password' | 'timed';

/** The dates of an assignment by their names in the API. */
export const DATES = ['duedate', 'visibleFrom', 'visibleTill', 'gradeRelease'] as const;
export type DateName = (typeof DATES)[number];

/** What the fields hold. */
export interface IAssignmentInput extends Record<DateName, IWallTime> {
  title: string;
  description: string;
  points: string;
  /** Id of a document that is there already; null for one that is uploaded. */
  document: number | null;
  upload: File | null;
  /** What the uploaded document is called. */
  filename: string;
  /** Whether the upload takes the place of the document that has the name. */
  replace: boolean;
  access: Access;
  hidden: boolean;
  password: string;
  minutes: string;
}

/** What is wrong, by field. */
export type Problems = Partial<Record<keyof IAssignmentInput, string>>;

/** See the module. */
export class AssignmentForm extends FormModel {
  constructor(private readonly _options: AssignmentForm.IOptions) {
    super();
    const { assignments, row } = _options;
    this.input = inputOf(row, assignments.timeZone);
    this.preview = new PreviewModel(assignments.api, assignments.course);
    this.preview.stateChanged.connect(() => this.stateChanged.emit(), this);
    this._course = assignments.course;
    this.timeZone = assignments.timeZone;
    this._loadDocuments();
  }

  readonly preview: PreviewModel;
  /** Of the course in which it was begun. */
  readonly timeZone: string;
  input: IAssignmentInput;

  get isNew(): boolean {
    return this._options.row === null;
  }

  /** Whether there is a password that is not told. */
  get hasPassword(): boolean {
    return Boolean(this._options.row?.availability);
  }

  /** The service's time. */
  get now(): Date {
    return this._options.assignments.snapshots.api.clock.now();
  }

  /** The caller's documents; null until they were loaded. */
  get documents(): readonly IDocument[] | null {
    return this._documents;
  }

  /** Why they could not be loaded, or null. */
  get documentsError(): Error | null {
    return this._documentsError;
  }

  get waiting(): boolean {
    return this.preview.loading;
  }

  get isChanged(): boolean {
    return this.input.upload !== null || Object.keys(this.fields).length > 0;
  }

  get isComplete(): boolean {
    return Object.keys(this.problems).length === 0;
  }

  /** The document that already has the name of what is uploaded. */
  get sameName(): IDocument | null {
    const { upload, filename } = this.input;
    const found = this._documents?.find(each => each.filename === filename.trim());
    return (upload && found && found.id !== this._uploaded?.id ? found : null) ?? null;
  }

  set(change: Partial<IAssignmentInput>): void {
    this.input = { ...this.input, ...change };
    this.stateChanged.emit();
    const { row } = this._options;
    if (row) {
      const moving = this._moving(row);
      this.preview.ask(
        Object.keys(moving).length ? { assignment: { id: row.id, ...moving } } : null
      );
    }
  }

  get problems(): Problems {
    return problemsOf(this.input, {
      row: this._options.row,
      sameName: this.sameName !== null,
      trans: this._options.trans
    });
  }

  /** What is sent: all that is given for a new one, else what has changed. */
  get fields(): IAssignmentFields {
    const { input } = this;
    const { row } = this._options;
    const before = inputOf(row, this.timeZone);
    const fields: IAssignmentFields = { ...this._dates() };
    if (input.title.trim() !== before.title) {
      fields.title = input.title.trim();
    }
    if (input.description.trim() !== before.description) {
      fields.description = input.description.trim() || null;
    }
    if (input.points !== before.points) {
      fields.pointValue = input.points ? Number(input.points) : null;
    }
    if (accessChanged(input, before)) {
      fields.availability = availabilityOf(input);
    }
    if (!row && input.document !== null) {
      fields.document = input.document;
    }
    return fields;
  }

  dispose(): void {
    this.preview.dispose();
    super.dispose();
  }

  protected async save(): Promise<boolean> {
    const { assignments, row } = this._options;
    const { api } = assignments;
    const fields = this.fields;
    if (row) {
      if (Object.keys(fields).length) {
        await api.change(this._course, row.id, fields);
      }
    } else {
      if (this.input.upload) {
        fields.document = await this._upload(this.input.upload);
      }
      await api.create(this._course, fields);
    }
    void assignments.refresh();
    return true;
  }

  /** What of the changes may move deadlines, as far as it is complete. */
  private _moving(row: IAssignmentRow): IAssignmentFields {
    const { password, minutes } = this.problems;
    const isAccess =
      accessChanged(this.input, inputOf(row, this.timeZone)) && !password && !minutes;
    return {
      ...this._dates(),
      ...(isAccess ? { availability: availabilityOf(this.input) } : {})
    };
  }

  /** The dates that differ from what is saved. */
  private _dates(): Partial<Record<DateName, string | null>> {
    const before = inputOf(this._options.row, this.timeZone);
    return Object.fromEntries(
      DATES.filter(
        name =>
          this.input[name].day !== before[name].day || this.input[name].time !== before[name].time
      ).map(name => [name, toSend(this.input[name], name === 'visibleFrom' ? 'begin' : 'end')])
    );
  }

  /** Id of the document with the file's contents; a second try fills the one of the first. */
  private async _upload(file: File): Promise<number> {
    const { api } = this._options.assignments;
    const name = this.input.filename.trim();
    const old = this._uploaded?.name === name ? this._uploaded.id : this.sameName?.id;
    if (old !== undefined) {
      await api.fillDocument(old, file);
      return old;
    }
    const id = await api.addDocument(name);
    this._uploaded = { id, name };
    await api.fillDocument(id, file);
    return id;
  }

  private _loadDocuments(): void {
    this._options.assignments.api.documents().then(
      found => {
        this._documents = found;
        this.stateChanged.emit();
      },
      (reason: Error) => {
        this._documentsError = reason;
        this.stateChanged.emit();
      }
    );
  }

  private readonly _course: string;
  private _documents: IDocument[] | null = null;
  private _documentsError: Error | null = null;
  private _uploaded: { id: number; name: string } | null = null;
}

/** Options of `AssignmentForm`. */
export namespace AssignmentForm {
  export interface IOptions {
    assignments: AssignmentsModel;
    /** What is edited; null for a new one. */
    row: IAssignmentRow | null;
    trans: TranslationBundle;
  }
}

/** What the fields hold at first. */
export function inputOf(row: IAssignmentRow | null, timeZone: string): IAssignmentInput {
  const tag = row?.availability?.tag;
  return {
    title: row?.title ?? '',
    description: row?.description ?? '',
    points: row?.pointValue === null || row === null ? '' : String(row.pointValue),
    document: row?.document ?? null,
    upload: null,
    filename: '',
    replace: false,
    access: !tag ? 'none' : tag.endsWith('Expiring') ? 'timed' : 'password',
    hidden: tag?.startsWith('Hidden') ?? false,
    password: '',
    minutes: row?.availability?.contents ? String(row.availability.contents) : '',
    duedate: toWall(row?.duedate ?? null, timeZone),
    visibleFrom: toWall(row?.visibleFrom ?? null, timeZone),
    visibleTill: toWall(row?.visibleTill ?? null, timeZone),
    gradeRelease: toWall(row?.gradeRelease ?? null, timeZone)
  };
}

/** Whether how students get at it is another than before; a new password alone is, too. */
function accessChanged(input: IAssignmentInput, before: IAssignmentInput): boolean {
  if (input.access === 'none') {
    return before.access !== 'none';
  }
  return (
    input.access !== before.access ||
    input.hidden !== before.hidden ||
    input.password !== '' ||
    (input.access === 'timed' && input.minutes !== before.minutes)
  );
}

/** As it is sent; a password that was not typed stays what it is. */
function availabilityOf(input: IAssignmentInput): INewAvailability | null {
  const { access, hidden, password, minutes } = input;
  const prefix = hidden ? 'Hidden' : '';
  switch (access) {
    case 'none':
      return null;
    case 'password':
      return { tag: `${prefix}ViaPassword`, contents: password || null };
    default:
      return {
        tag: `${prefix}ViaPasswordExpiring`,
        contents: password ? [password, Number(minutes)] : Number(minutes)
      };
  }
}

interface IContext {
  row: IAssignmentRow | null;
  sameName: boolean;
  trans: TranslationBundle;
}

/** What keeps the form from being saved. */
export function problemsOf(input: IAssignmentInput, context: IContext): Problems {
  const { row, sameName, trans } = context;
  const found: Problems = {};
  if (!input.title.trim()) {
    found.title = trans.__('The assignment needs a title.');
  }
  if (!row && input.upload === null && input.document === null) {
    found.document = trans.__('Choose a document, or upload a file.');
  }
  const filename = input.filename.trim();
  if (input.upload && (!filename || filename.includes('/') || /^\.+$/.test(filename))) {
    found.filename = trans.__('The document needs a file name without a folder.');
  } else if (sameName && !input.replace) {
    found.filename = trans.__(
      'You have a document of this name. Give this one another name, or replace it.'
    );
  }
  for (const name of DATES) {
    if (!input[name].day && input[name].time) {
      found[name] = trans.__('The day is missing.');
    }
  }
  if (input.points && !isWhole(input.points)) {
    found.points = trans.__('Points are a whole number.');
  }
  if (input.access !== 'none' && !input.password && !row?.availability) {
    found.password = trans.__('The password is missing.');
  }
  if (input.access === 'timed' && !(isWhole(input.minutes) && Number(input.minutes) > 0)) {
    found.minutes = trans.__('How many minutes may it take?');
  }
  return found;
}

/** What is odd about a date, and may be meant; null when nothing is. */
export function dateHint(
  name: DateName,
  input: IAssignmentInput,
  timeZone: string,
  trans: TranslationBundle,
  now: Date
): string | null {
  const at = (which: DateName) => toInstant(input[which], timeZone, usualTime(which));
  const isBefore = (one: string | null, other: string | null) =>
    one !== null && other !== null && one < other;
  switch (name) {
    case 'duedate':
      if (isBefore(at('duedate'), now.toISOString())) {
        return trans.__('This date is over.');
      }
      return at('duedate') ? null : trans.__('Without a due date nothing is captured by itself.');
    case 'visibleFrom':
      return isBefore(at('duedate'), at('visibleFrom'))
        ? trans.__('Students see it only after it was due.')
        : trans.__(
            'The document goes into the homes then; without a date students see it at once.'
          );
    case 'visibleTill':
      return isBefore(at('visibleTill'), at('duedate'))
        ? trans.__('This is before the due date, so it has no effect.')
        : trans.__('Late work is captured then; without a date there is no late work.');
    default:
      return trans.__('Reports that you return earlier wait until then.');
  }
}

/** The time that a day gets when it is chosen. */
export function usualTime(name: DateName): string {
  return name === 'visibleFrom' ? '00:00' : END_OF_DAY;
}

function isWhole(text: string): boolean {
  return /^\d{1,9}$/.test(text);
}
