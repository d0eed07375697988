/** The dialog in which an assignment is made or changed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useId, useRef } from 'react';
import type { AssignmentsModel } from '../assignments';
import type { IAssignmentRow } from '../assignmentTokens';
import { displayName } from '../format';
import { TextButton } from '../panels/state';
import { AssignmentForm, dateHint, usualTime } from './assignmentForm';
import type { Access, DateName } from './assignmentForm';
import { DateField, FieldNote, TextField } from './fields';
import { showForm } from './formDialog';
import { Moves } from './moves';

/** Asks for an assignment and saves it; null makes a new one. Resolves to whether it was saved. */
export function editAssignment(
  assignments: AssignmentsModel,
  row: IAssignmentRow | null,
  trans: TranslationBundle
): Promise<boolean> {
  const form = new AssignmentForm({ assignments, row, trans });
  const names = new Map(
    assignments.snapshots.students?.map(each => [each.username, displayName(each)])
  );
  return showForm({
    title: row ? trans.__('Edit %1', row.title) : trans.__('New Assignment'),
    form,
    render: () => (
      <AssignmentFields
        form={form}
        nameOf={student => names.get(student) ?? student}
        trans={trans}
      />
    ),
    accept: row ? trans.__('Save') : trans.__('Create'),
    trans
  });
}

interface IFieldsProps {
  form: AssignmentForm;
  nameOf: (student: string) => string;
  trans: TranslationBundle;
}

/** All fields of the form; whoever draws it follows the form. */
export function AssignmentFields({ form, nameOf, trans }: IFieldsProps): JSX.Element {
  const { input, timeZone } = form;
  const problems = form.tried ? form.problems : {};
  const dates: [DateName, string][] = [
    ['duedate', trans.__('Due')],
    ['visibleFrom', trans.__('Visible from')],
    ['visibleTill', trans.__('Visible till')],
    ['gradeRelease', trans.__('Grades released')]
  ];
  return (
    <>
      <TextField
        label={trans.__('Title')}
        value={input.title}
        problem={problems.title}
        onChange={title => form.set({ title })}
      />
      <DocumentField form={form} trans={trans} />
      <p className="jp-SnapshotsForm-zone">
        {trans.__('Dates are in the time zone of the course, %1.', timeZone)}
      </p>
      <div className="jp-SnapshotsForm-dates">
        {dates.map(([name, label]) => (
          <DateField
            key={name}
            label={label}
            value={input[name]}
            timeZone={timeZone}
            usualTime={usualTime(name)}
            problem={problems[name]}
            hint={dateHint(name, input, timeZone, trans, form.now)}
            onChange={value => form.set({ [name]: value })}
            trans={trans}
          />
        ))}
      </div>
      {!form.isNew && (
        <Moves preview={form.preview} timeZone={timeZone} nameOf={nameOf} trans={trans} />
      )}
      <AccessFields form={form} trans={trans} />
      <TextField
        label={trans.__('Points')}
        value={input.points}
        type="number"
        min={0}
        step={1}
        problem={problems.points}
        onChange={points => form.set({ points })}
        className="jp-mod-short"
      />
      <TextField
        label={trans.__('Description')}
        value={input.description}
        lines={3}
        placeholder={trans.__('What students read with the assignment')}
        onChange={description => form.set({ description })}
      />
    </>
  );
}

/** What is handed out: a document that is there, or a file from this computer. */
function DocumentField({ form, trans }: Omit<IFieldsProps, 'nameOf'>): JSX.Element {
  const { input, documents } = form;
  const problems = form.tried ? form.problems : {};
  const id = useId();
  const chooser = useRef<HTMLInputElement>(null);
  const nameOf = (document: number | null) =>
    documents?.find(each => each.id === document)?.filename ??
    (document === null ? trans.__('none') : trans.__('document %1', document));
  if (!form.isNew) {
    return (
      <div className="jp-SnapshotsField">
        <span className="jp-SnapshotsField-label">{trans.__('Document')}</span>
        <span>{nameOf(input.document)}</span>
      </div>
    );
  }
  const note = documents
    ? trans.__('It is put into the students’ homes.')
    : form.documentsError
      ? trans.__('Your documents could not be loaded: %1', form.documentsError.message)
      : trans.__('Loading your documents…');
  return (
    <>
      <div className="jp-SnapshotsField">
        <label htmlFor={id}>{trans.__('Document')}</label>
        <div className="jp-SnapshotsField-line">
          <select
            id={id}
            className="jp-mod-styled"
            value={input.upload ? 'upload' : (input.document ?? '')}
            aria-invalid={problems.document ? true : undefined}
            aria-describedby={`${id}-note`}
            onChange={event => {
              if (event.target.value !== 'upload') {
                const chosen = event.target.value ? Number(event.target.value) : null;
                form.set({ document: chosen, upload: null });
              }
            }}
          >
            <option value="">{trans.__('Choose a document')}</option>
            {input.upload && (
              <option value="upload">{trans.__('%1 (uploaded)', input.upload.name)}</option>
            )}
            {documents?.map(each => (
              <option key={each.id} value={each.id}>
                {each.filename}
              </option>
            ))}
          </select>
          <input
            ref={chooser}
            type="file"
            hidden
            aria-label={trans.__('File to hand out')}
            onChange={event => {
              const file = event.target.files?.[0];
              if (file) {
                form.set({ upload: file, filename: file.name, document: null, replace: false });
              }
              event.target.value = ''; // The same file may be chosen again.
            }}
          />
          <TextButton label={trans.__('Upload a File…')} onClick={() => chooser.current?.click()} />
        </div>
        <FieldNote id={`${id}-note`} problem={problems.document} hint={note} />
      </div>
      {input.upload && (
        <>
          <TextField
            label={trans.__('File name of the document')}
            value={input.filename}
            problem={problems.filename}
            onChange={filename => form.set({ filename })}
          />
          {form.sameName && (
            <label className="jp-SnapshotsForm-choice">
              <input
                type="checkbox"
                checked={input.replace}
                onChange={event => form.set({ replace: event.target.checked })}
              />
              {trans.__('Replace the document of this name; earlier versions are kept')}
            </label>
          )}
        </>
      )}
    </>
  );
}

/** How students get at it. */
function AccessFields({ form, trans }: Omit<IFieldsProps, 'nameOf'>): JSX.Element {
  const { input } = form;
  const problems = form.tried ? form.problems : {};
  const kinds: [Access, string][] = [
    ['none', trans.__('Open to all students of the course')],
    ['password', trans.__('With a password')],
    ['timed', trans.__('With a password, and for a limited time')]
  ];
  return (
    <fieldset className="jp-SnapshotsForm-group">
      <legend>{trans.__('Access')}</legend>
      {kinds.map(([kind, label]) => (
        <label key={kind} className="jp-SnapshotsForm-choice">
          <input
            type="radio"
            name="jp-SnapshotsForm-access"
            checked={input.access === kind}
            onChange={() => form.set({ access: kind })}
          />
          {label}
        </label>
      ))}
      {input.access !== 'none' && (
        <div className="jp-SnapshotsForm-inner">
          <TextField
            label={trans.__('Password')}
            type="password"
            value={input.password}
            problem={problems.password}
            placeholder={form.hasPassword ? trans.__('as before') : undefined}
            onChange={password => form.set({ password })}
          />
          {input.access === 'timed' && (
            <TextField
              label={trans.__('Time for it')}
              type="number"
              min={1}
              step={1}
              value={input.minutes}
              unit={trans.__('minutes')}
              problem={problems.minutes}
              hint={trans.__(
                'Each student’s time begins when the assignment is opened, and ends no later than it closes.'
              )}
              onChange={minutes => form.set({ minutes })}
              className="jp-mod-short"
            />
          )}
          <label className="jp-SnapshotsForm-choice">
            <input
              type="checkbox"
              checked={input.hidden}
              onChange={event => form.set({ hidden: event.target.checked })}
            />
            {trans.__('Hidden: only those see it who know its title and password')}
          </label>
        </div>
      )}
    </fieldset>
  );
}
