/** The dialog that gives students another date for an assignment, or excuses them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useId } from 'react';
import type { AssignmentsModel } from '../assignments';
import { displayName } from '../format';
import { dueText } from '../panels/assignments/rows';
import type { IStudentRow } from '../tokens';
import { END_OF_DAY } from '../wallTime';
import { ExtensionForm } from './extensionForm';
import type { Grant } from './extensionForm';
import { DateField, FieldNote } from './fields';
import { showForm } from './formDialog';
import { Moves } from './moves';
import { activeStudents, StudentPicker } from './studentPicker';

/** Asks who gets which date, and saves it. Resolves to whether all of it was saved. */
export async function grantExtension(
  assignments: AssignmentsModel,
  trans: TranslationBundle,
  at: { assignment?: number; students?: readonly string[] } = {}
): Promise<boolean> {
  const active = await activeStudents(assignments);
  const form = new ExtensionForm({ assignments, students: at.students ?? [], trans, ...at });
  return showForm({
    title: trans.__('Grant Extension'),
    form,
    render: () => <ExtensionFields form={form} students={active} trans={trans} />,
    accept: trans.__('Save'),
    trans
  });
}

interface IFieldsProps {
  form: ExtensionForm;
  students: readonly IStudentRow[];
  trans: TranslationBundle;
}

/** All fields of the form; whoever draws it follows the form. */
export function ExtensionFields({ form, students, trans }: IFieldsProps): JSX.Element {
  const id = useId();
  const { assignment, assignments, timeZone, busy } = form;
  const problems = form.tried ? form.problems : { assignment: null, students: null, until: null };
  const names = new Map(students.map(each => [each.username, displayName(each)]));
  const nameOf = (student: string) => names.get(student) ?? student;
  const kinds: [Grant, string][] = [
    ['until', trans.__('Another due date')],
    ['excused', trans.__('Excused: nothing is asked of them and nothing captured')]
  ];
  if (form.extended > 0) {
    kinds.push(['removed', trans.__('No extension any more: the date of the class')]);
  }
  return (
    <>
      <div className="jp-SnapshotsField">
        <label htmlFor={id}>{trans.__('Assignment')}</label>
        <select
          id={id}
          className="jp-mod-styled"
          value={assignment?.id ?? ''}
          disabled={busy}
          aria-invalid={problems.assignment ? true : undefined}
          aria-describedby={`${id}-note`}
          onChange={event =>
            form.chooseAssignment(event.target.value ? Number(event.target.value) : null)
          }
        >
          <option value="">{trans.__('Choose an assignment')}</option>
          {assignments.map(each => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
        <FieldNote
          id={`${id}-note`}
          problem={problems.assignment}
          hint={assignment && trans.__('For the class: %1', dueText(assignment, timeZone, trans))}
        />
      </div>
      <fieldset className="jp-SnapshotsForm-group" aria-describedby={`${id}-who`}>
        <legend>
          {form.chosen.size
            ? trans._n('%1 chosen student', '%1 chosen students', form.chosen.size)
            : trans.__('Students')}
        </legend>
        <StudentPicker
          students={students}
          chosen={form.chosen}
          onChange={chosen => form.choose(chosen)}
          noteOf={student => form.noteOf(student)}
          disabled={busy}
          trans={trans}
        />
        <FieldNote
          id={`${id}-who`}
          problem={problems.students}
          hint={
            form.loadError &&
            trans.__('Who has an extension can’t be told: %1', form.loadError.message)
          }
        />
      </fieldset>
      <fieldset className="jp-SnapshotsForm-group">
        <legend>{trans.__('What they get')}</legend>
        {kinds.map(([kind, label]) => (
          <React.Fragment key={kind}>
            <label className="jp-SnapshotsForm-choice">
              <input
                type="radio"
                name={`${id}-grant`}
                checked={form.grant === kind}
                disabled={busy}
                onChange={() => form.give(kind)}
              />
              {label}
            </label>
            {kind === 'until' && form.grant === kind && (
              <div className="jp-SnapshotsForm-inner">
                <DateField
                  label={trans.__('New due date')}
                  value={form.until}
                  timeZone={timeZone}
                  usualTime={END_OF_DAY}
                  problem={problems.until}
                  disabled={busy}
                  onChange={value => form.give('until', value)}
                  trans={trans}
                />
              </div>
            )}
          </React.Fragment>
        ))}
      </fieldset>
      {form.outcomes.size ? (
        <Outcomes form={form} nameOf={nameOf} trans={trans} />
      ) : (
        <Moves preview={form.preview} timeZone={timeZone} nameOf={nameOf} trans={trans} />
      )}
    </>
  );
}

interface IOutcomesProps {
  form: ExtensionForm;
  nameOf: (student: string) => string;
  trans: TranslationBundle;
}

/** How far it is with each student; what failed comes first. */
function Outcomes({ form, nameOf, trans }: IOutcomesProps): JSX.Element {
  const all = [...form.outcomes];
  const saved = all.filter(([, each]) => each.state === 'saved').length;
  const failed = all.filter(([, each]) => each.state === 'failed');
  return (
    <section className="jp-SnapshotsMoves" aria-label={trans.__('What was saved')}>
      <progress
        className="jp-SnapshotsReports-progress"
        aria-label={trans.__('Saving the dates')}
        max={form.chosen.size}
        value={saved + failed.length}
      />
      <p className="jp-SnapshotsMoves-text">
        {trans.__('%1 of %2 saved', saved, form.chosen.size)}
      </p>
      {failed.map(([student, each]) => (
        <p key={student} className="jp-SnapshotsForm-error">
          {trans.__('%1: %2', nameOf(student), each.state === 'failed' ? each.message : '')}
        </p>
      ))}
    </section>
  );
}
