/** The dialog that asks what snapshot to take, and of whom. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useEffect, useMemo, useRef, useState } from 'react';
import type { INewBatch } from '../api';
import { snapshotName } from '../format';
import type { NamePreview } from '../format';
import { inOrder } from '../panels/students/rows';
import type { SnapshotsModel } from '../model';
import type { IStudentRow } from '../tokens';
import { QuietDialog } from './quietDialog';
import { StudentPicker } from './studentPicker';

/** Where the name stands in a sentence, until the sentence is taken apart there. */
const PLACEHOLDER = '\u0000';

export interface ITakeOptions {
  courseTitle: string;
  timeZone: string;
  students: readonly IStudentRow[];
  /** Names that the class has already. */
  taken: ReadonlySet<string>;
  trans: TranslationBundle;
}

/** What the form holds before it is a request. */
export interface ITakeForm {
  text: string;
  /** Null for the whole class. */
  chosen: ReadonlySet<string> | null;
  includeHidden: boolean;
}

/** The request of a filled form, or null when it can't be one. */
export function toRequest(form: ITakeForm, timeZone: string): INewBatch | null {
  if (!('name' in snapshotName(form.text, timeZone)) || form.chosen?.size === 0) {
    return null;
  }
  const { text, chosen, includeHidden } = form;
  return { name: text, includeHidden, ...(chosen ? { students: [...chosen] } : {}) };
}

interface IFormProps extends ITakeOptions {
  initial: ITakeForm;
  /** Why the snapshot could not be started with what the form begins with. */
  error?: string | null;
  onChange: (form: ITakeForm) => void;
}

/** The form; calls `onChange` with each change. */
export function TakeForm(props: IFormProps): JSX.Element {
  const { timeZone, students, trans, onChange, taken } = props;
  const [form, setForm] = useState(props.initial);
  const input = useRef<HTMLInputElement>(null);
  const all = useRef<HTMLInputElement>(null);
  const preview = snapshotName(form.text, timeZone);
  const [before, after] = trans.__('It will be called %1', PLACEHOLDER).split(PLACEHOLDER);
  const nobody = form.chosen?.size === 0;

  // JupyterLab's dialog looks for invalid fields after each input, before React has drawn again;
  // what is invalid is therefore also told to the fields at once.
  const change = (next: ITakeForm) => {
    validate(next);
    setForm(next);
    onChange(next);
  };
  const validate = (next: ITakeForm) => {
    const made = snapshotName(next.text, timeZone);
    input.current?.setCustomValidity('problem' in made ? previewText(made, trans) : '');
    all.current?.setCustomValidity(next.chosen?.size === 0 ? trans.__('Choose somebody.') : '');
  };
  useEffect(() => {
    validate(form);
    input.current?.dispatchEvent(new Event('input', { bubbles: true }));
    // Only once, for what the form begins with.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const active = useMemo(
    () => inOrder(students, 'name').filter(student => student.active),
    [students]
  );
  const repeated = 'name' in preview && taken.has(preview.name);

  return (
    <div className="jp-SnapshotsTake">
      <p className="jp-SnapshotsTake-course">{props.courseTitle}</p>
      {props.error && (
        <p className="jp-SnapshotsTake-error" role="alert">
          {trans.__('The snapshot could not be started: %1', props.error)}
        </p>
      )}
      <label className="jp-SnapshotsTake-field">
        {trans.__('Name')}
        <input
          ref={input}
          className="jp-mod-styled jp-SnapshotsTake-name"
          value={form.text}
          placeholder={trans.__('for example: Problem set 1')}
          aria-describedby="jp-SnapshotsTake-preview"
          autoComplete="off"
          onChange={event => change({ ...form, text: event.target.value })}
        />
      </label>
      <p id="jp-SnapshotsTake-preview" className="jp-SnapshotsTake-preview" role="status">
        {'name' in preview ? (
          <>
            {before}
            <code>{preview.name}</code>
            {after}
          </>
        ) : (
          previewText(preview, trans)
        )}
        {repeated && (
          <span className="jp-SnapshotsTake-hint">
            {trans.__('Some students have a snapshot of this name; theirs stay as they are.')}
          </span>
        )}
      </p>
      <label title={trans.__('Files and folders whose name begins with a dot')}>
        <input
          type="checkbox"
          checked={form.includeHidden}
          onChange={event => change({ ...form, includeHidden: event.target.checked })}
        />
        {trans.__('Hidden files, too')}
      </label>
      <fieldset className="jp-SnapshotsTake-who">
        <legend>{trans.__('Of whom')}</legend>
        <label>
          <input
            ref={all}
            type="radio"
            name="jp-SnapshotsTake-who"
            checked={form.chosen === null}
            onChange={() => change({ ...form, chosen: null })}
          />
          {trans._n('The whole class (%1 student)', 'The whole class (%1 students)', active.length)}
        </label>
        <label>
          <input
            type="radio"
            name="jp-SnapshotsTake-who"
            checked={form.chosen !== null}
            onChange={() => change({ ...form, chosen: new Set() })}
          />
          {form.chosen === null
            ? trans.__('Chosen students…')
            : trans._n('%1 chosen student', '%1 chosen students', form.chosen.size)}
        </label>
        {form.chosen !== null && (
          <div className="jp-SnapshotsTake-students">
            <StudentPicker
              students={active}
              chosen={form.chosen}
              onChange={chosen => change({ ...form, chosen })}
              trans={trans}
            />
            {nobody && <p className="jp-SnapshotsTake-hint">{trans.__('Nobody is chosen yet.')}</p>}
          </div>
        )}
      </fieldset>
    </div>
  );
}

function previewText(preview: NamePreview, trans: TranslationBundle): string {
  if (!('problem' in preview)) {
    return '';
  }
  return preview.problem === 'empty'
    ? trans.__('The name needs a letter from A to Z or a digit; the date is added by itself.')
    : trans.__('The name is too long. Use at most 200 characters.');
}

/** The form as the body of a dialog. */
class TakeBody extends ReactWidget implements Dialog.IBodyWidget<INewBatch | null> {
  constructor(
    private readonly _options: ITakeOptions,
    private _form: ITakeForm,
    private readonly _error: string | null
  ) {
    super();
  }

  /** What was filled in. */
  get form(): ITakeForm {
    return this._form;
  }

  getValue(): INewBatch | null {
    return toRequest(this._form, this._options.timeZone);
  }

  protected render(): JSX.Element {
    return (
      <TakeForm
        {...this._options}
        initial={this._form}
        error={this._error}
        onChange={form => {
          this._form = form;
          // The dialog looks at its fields on input only; a click on a button of ours is none.
          setTimeout(() => this.node.dispatchEvent(new Event('input', { bubbles: true })), 0);
        }}
      />
    );
  }
}

/**
 * Asks what to take, and starts it; resolves when it runs or the person has cancelled. When the
 * service refuses, the form is shown again with the reason.
 */
export async function takeSnapshot(
  model: SnapshotsModel,
  trans: TranslationBundle,
  /** Usernames that are chosen at first; the whole class when left out. */
  chosen?: readonly string[]
): Promise<void> {
  const { course } = model;
  if (!course) {
    return;
  }
  const students = model.students ?? (await model.api.students(course.code));
  const options: ITakeOptions = {
    courseTitle: course.title,
    timeZone: course.timeZone,
    students,
    taken: new Set(model.names?.snapshots.map(each => each.name)),
    trans
  };
  let form: ITakeForm = {
    text: '',
    chosen: chosen ? new Set(chosen) : null,
    includeHidden: false
  };
  let error: string | null = null;
  do {
    const body: TakeBody = new TakeBody(options, form, error);
    const dialog = new QuietDialog<INewBatch | null>({
      title: trans.__('Take Snapshot'),
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Take Snapshot') })
      ],
      focusNodeSelector: '.jp-SnapshotsTake-name'
    });
    const result = await dialog.launch();
    if (!result.button.accept || !result.value) {
      return;
    }
    form = body.form;
    error = await model.batches.take(course.code, result.value).then(
      () => null,
      (reason: Error) => reason.message
    );
  } while (error !== null);
}
