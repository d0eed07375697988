/** The dialog that opens an assignment: says what will happen, and asks for the password. */

import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useId, useReducer, useState } from 'react';
import { ApiError } from '../api';
import { clockText, spokenTime } from '../countdown';
import type { OwnAssignmentsModel } from '../ownAssignments';
import type { IOwnAssignment } from '../ownTokens';
import { zoneTime } from '../zones';
import { FormModel, showForm } from './formDialog';
import { Elsewhere } from './whyDeadline';

/** What was typed. */
export interface IOpenForm {
  title: string;
  password: string;
}

/** Why it was not opened. */
export interface IRefusal {
  message: string;
  /** Seconds until it may be tried again; null when there is no need to wait. */
  wait: number | null;
  /** Whether another password would not help. */
  isFinal?: boolean;
}

export interface IOpenProps {
  /** Null for a hidden one, whose title is asked for. */
  assignment: IOwnAssignment | null;
  timeZone: string;
  /** The service's time. */
  now: () => Date;
  trans: TranslationBundle;
}

interface IFormProps extends IOpenProps {
  input: IOpenForm;
  refusal: IRefusal | null;
  /** Whether it is being opened. */
  busy: boolean;
  onChange: (form: IOpenForm) => void;
}

/** The body of the dialog. */
export function OpenForm(props: IFormProps): JSX.Element {
  const { assignment, busy, input, onChange, trans, refusal } = props;
  const id = useId();
  const isWrong = refusal !== null && refusal.wait === null ? true : undefined;
  const asksPassword = assignment === null || assignment.availability?.password === true;
  return (
    <div className="jp-SnapshotsOpen">
      {refusal && (
        <p className="jp-SnapshotsOpen-error" role="alert">
          {refusal.message}
          {refusal.wait !== null && <Wait refusal={refusal} trans={trans} />}
        </p>
      )}
      {assignment === null ? (
        <p id={id}>
          {trans.__(
            'Type the title and the password as your instructor told them. If the assignment has a limit of time, your clock starts when it is opened: once, and it can’t be stopped.'
          )}
        </p>
      ) : (
        <div id={id}>
          <Consequences {...props} assignment={assignment} />
        </div>
      )}
      {assignment === null && (
        <label className="jp-SnapshotsOpen-field">
          {trans.__('Title')}
          <input
            className="jp-mod-styled jp-SnapshotsOpen-first"
            value={input.title}
            required
            readOnly={busy}
            autoComplete="off"
            aria-describedby={id}
            onChange={event => onChange({ ...input, title: event.target.value })}
          />
        </label>
      )}
      {asksPassword && (
        <label className="jp-SnapshotsOpen-field">
          {trans.__('Password')}
          <input
            className={`jp-mod-styled${assignment ? ' jp-SnapshotsOpen-first' : ''}`}
            type="password"
            readOnly={busy}
            aria-invalid={isWrong}
            value={input.password}
            required
            // Not the password of the person: a browser must neither fill it in nor keep it.
            autoComplete="one-time-code"
            aria-describedby={id}
            onChange={event => onChange({ ...input, password: event.target.value })}
          />
        </label>
      )}
      {busy && <p aria-hidden="true">{trans.__('Opening…')}</p>}
    </div>
  );
}

/** What opening means: for how long, and until when at the latest. */
function Consequences(props: IOpenProps & { assignment: IOwnAssignment }): JSX.Element {
  const { assignment, timeZone, trans } = props;
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  useEffect(() => {
    // What is said of the end holds for the moment in which it is read.
    const timer = setInterval(redraw, 1000);
    return () => clearInterval(timer);
  }, []);
  const now = props.now();
  const minutes = assignment.availability?.timed ?? null;
  if (minutes === null) {
    return (
      <p>
        {trans.__('Opening it puts its document into your files. There is no limit of time.')}
        {assignment.closes && (
          <> {trans.__('It closes %1.', zoneTime(assignment.closes, timeZone))}</>
        )}
      </p>
    );
  }
  const closes = assignment.closes ? Date.parse(assignment.closes) : Infinity;
  const full = now.getTime() + minutes * 60_000;
  const isShort = closes < full;
  const end = new Date(Math.min(full, closes)).toISOString();
  const length = spokenTime(minutes * 60, trans);
  return (
    <>
      <p>
        <strong>{trans.__('Your clock starts when you open it, and it starts only once.')}</strong>{' '}
        {trans.__(
          'It can’t be stopped: closing the browser or your server changes nothing. What is saved in your files at the end is captured by itself.'
        )}
      </p>
      <dl>
        <dt>{trans.__('Your time')}</dt>
        <dd>
          {isShort
            ? trans.__(
                '%1 of %2, because the assignment closes then',
                spokenTime(Math.max(0, (closes - now.getTime()) / 1000), trans),
                length
              )
            : length}
        </dd>
        <dt>{trans.__('Opened now, it ends')}</dt>
        <dd>
          {zoneTime(end, timeZone)}
          <Elsewhere instant={end} timeZone={timeZone} trans={trans} />
        </dd>
        {assignment.closes && !isShort && (
          <>
            <dt>{trans.__('At the latest')}</dt>
            <dd>{zoneTime(assignment.closes, timeZone)}</dd>
          </>
        )}
      </dl>
    </>
  );
}

/** Tells how long to wait, in seconds that pass. */
function Wait({ refusal, trans }: { refusal: IRefusal; trans: TranslationBundle }): JSX.Element {
  const [left, setLeft] = useState(refusal.wait ?? 0);
  useEffect(() => {
    const timer = setInterval(() => setLeft(before => Math.max(0, before - 1)), 1000);
    return () => clearInterval(timer);
  }, []);
  // Read aloud once with the message, not each second.
  return (
    <span aria-live="off">
      {' '}
      {left >= 60
        ? trans.__('Try again in %1.', clockText(left))
        : left > 0
          ? trans._n('Try again in one second.', 'Try again in %1 seconds.', left)
          : trans.__('You can try again now.')}
    </span>
  );
}

/** What to tell of a failure; of a hidden one nobody learns whether its title is right. */
export function refusalOf(reason: unknown, isHidden: boolean, trans: TranslationBundle): IRefusal {
  const message = reason instanceof Error ? reason.message : String(reason);
  if (!(reason instanceof ApiError)) {
    return { message, wait: null };
  }
  switch (reason.code) {
    case 'wrong_password':
      return {
        message: isHidden
          ? trans.__('The title or the password is not right. Mind capital letters and blanks.')
          : trans.__('This is not the password. Mind capital letters and blanks.'),
        wait: null
      };
    case 'too_many_attempts':
      return { message: trans.__('There were too many wrong tries.'), wait: waitOf(reason) };
    case 'not_open_yet':
      return {
        message: trans.__('It is not open yet. %1', message),
        wait: null,
        isFinal: !isHidden
      };
    case 'closed':
      return {
        message: trans.__(
          'It is closed and can’t be opened any more. Ask your instructor if you think that is wrong.'
        ),
        wait: null,
        isFinal: !isHidden
      };
    default:
      return { message, wait: waitOf(reason) };
  }
}

/** Seconds after which the service wants to be asked again; null where it did not say. */
function waitOf({ details }: ApiError): number | null {
  const told = Number(details.retryAfterSeconds);
  return Number.isFinite(told) && told > 0 ? Math.ceil(told) : null;
}

/** What is typed, what was refused, and what was opened in the end. */
class OpenModel extends FormModel {
  constructor(private readonly _options: IOpenOptions) {
    super();
  }

  input: IOpenForm = { title: '', password: '' };
  refusal: IRefusal | null = null;
  opened: IOwnAssignment | null = null;

  /** As it was listed when the dialog was opened, or is now; null for a hidden one. */
  get assignment(): IOwnAssignment | null {
    const { own, course, id } = this._options;
    this._assignment = (id === null ? null : own.find(course, id)) ?? this._assignment;
    return this._assignment;
  }

  /** Empty fields are told by the dialog itself. */
  get isComplete(): boolean {
    return true;
  }

  set(input: IOpenForm): void {
    this.input = input;
    this.stateChanged.emit();
  }

  protected async save(): Promise<boolean> {
    const { own, course, id, trans } = this._options;
    // What was told goes first: told again, it is read aloud again, and counts anew.
    this.refusal = null;
    this.stateChanged.emit();
    if (this.assignment?.opened) {
      this.opened = this.assignment; // Meanwhile, in another window.
      return true;
    }
    const { title, password } = this.input;
    try {
      this.opened =
        id === null
          ? await own.openHidden(course, title.trim(), password)
          : await own.open(course, id, password);
      return true;
    } catch (reason) {
      this.refusal = refusalOf(reason, id === null, trans);
      this.input = { ...this.input, password: '' };
      void own.load(course);
      return this.refusal.isFinal === true;
    }
  }

  private _assignment: IOwnAssignment | null = null;
}

/** What `openAssignment` takes. */
export interface IOpenOptions {
  own: OwnAssignmentsModel;
  course: string;
  timeZone: string;
  /** Of the assignment; null for a hidden one, whose title is asked for. */
  id: number | null;
  /** The service's time. */
  now: () => Date;
  trans: TranslationBundle;
}

/**
 * Asks, and opens it; null when the person has cancelled. When the service refuses, the form says
 * why and stays, unless another try is of no use.
 */
export async function openAssignment(options: IOpenOptions): Promise<IOwnAssignment | null> {
  const { timeZone, id, now, trans } = options;
  const form = new OpenModel(options);
  const { assignment } = form;
  if (id !== null && (assignment === null || assignment.opened !== null)) {
    form.dispose();
    return assignment; // Opened meanwhile, in another window.
  }
  const isTimed = typeof assignment?.availability?.timed === 'number';
  const asks = assignment === null || assignment.availability?.password === true;
  await showForm({
    title: assignment
      ? trans.__('Open %1?', assignment.title)
      : trans.__('Open a Hidden Assignment'),
    form,
    render: () => (
      <OpenForm
        assignment={form.assignment}
        timeZone={timeZone}
        now={now}
        input={form.input}
        refusal={form.refusal}
        busy={form.busy}
        onChange={input => form.set(input)}
        trans={trans}
      />
    ),
    accept: isTimed ? trans.__('Open and Start the Clock') : trans.__('Open'),
    saving: trans.__('Opening…'),
    // A clock that can't be stopped is not started by a key pressed too often.
    cancelsByDefault: !asks,
    focus: '.jp-SnapshotsOpen-first',
    trans
  });
  if (form.refusal?.isFinal) {
    await showErrorMessage(
      trans.__('%1 was not opened', assignment?.title ?? form.input.title),
      form.refusal.message
    );
  }
  return form.opened;
}
