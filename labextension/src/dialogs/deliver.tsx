/** The dialog that puts an assignment's document into homes now, with what became of it in each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useId } from 'react';
import type { AssignmentsModel } from '../assignments';
import type { IAssignmentRow, IDelivery } from '../assignmentTokens';
import { byName, displayName } from '../format';
import type { IStudentRow } from '../tokens';
import { zoneTime } from '../zones';
import { FormModel, showForm } from './formDialog';
import { activeStudents, StudentPicker } from './studentPicker';

/** Who gets it, and what became of it. */
export class DeliverForm extends FormModel {
  constructor(
    private readonly _assignments: AssignmentsModel,
    readonly row: IAssignmentRow
  ) {
    super();
    this._course = _assignments.course;
    _assignments.api.deliveries(this._course, row.id).then(
      found => {
        this._earlier = found.filter(each => each.kind === 'document');
        this.stateChanged.emit();
      },
      // Sending it tells what is wrong, too.
      () => undefined
    );
  }

  /** Usernames; null for the whole class. */
  get chosen(): ReadonlySet<string> | null {
    return this._chosen;
  }

  /** What became of it; null before it was sent. */
  get results(): readonly IDelivery[] | null {
    return this._results;
  }

  /** Chooses students, or the whole class. */
  choose(students: ReadonlySet<string> | null): void {
    this._chosen = students;
    this.stateChanged.emit();
  }

  get isChanged(): boolean {
    return this._results === null && this._chosen !== null && this._chosen.size > 0;
  }

  get isComplete(): boolean {
    return this._chosen === null || this._chosen.size > 0;
  }

  /** What became of the document in a student's home before; null when it was not put there. */
  earlier(student: string): IDelivery | null {
    return this._earlier.find(each => each.student === student) ?? null;
  }

  protected async save(): Promise<boolean> {
    const students = this._chosen ? [...this._chosen] : undefined;
    const { api } = this._assignments;
    const answer = await api.deliver(this._course, this.row.id, students);
    this._results = answer.filter(each => each.kind === 'document');
    // What failed is what one tries again.
    const failed = this._results.filter(each => each.state === 'failed');
    if (failed.length) {
      this._chosen = new Set(failed.map(each => each.student));
    }
    return false;
  }

  private readonly _course: string;
  private _chosen: ReadonlySet<string> | null = null;
  private _results: readonly IDelivery[] | null = null;
  private _earlier: readonly IDelivery[] = [];
}

/** Asks who gets the document, puts it there, and shows what became of it. */
export async function deliverDocument(
  assignments: AssignmentsModel,
  row: IAssignmentRow,
  trans: TranslationBundle
): Promise<void> {
  const active = await activeStudents(assignments);
  const form = new DeliverForm(assignments, row);
  await showForm({
    title: trans.__('Put Document of %1 into Homes', row.title),
    form,
    render: () => (
      <DeliverFields form={form} students={active} timeZone={assignments.timeZone} trans={trans} />
    ),
    accept: trans.__('Put into Homes'),
    cancel: trans.__('Close'),
    trans
  });
}

interface IFieldsProps {
  form: DeliverForm;
  /** In the order in which they are shown. */
  students: readonly IStudentRow[];
  timeZone: string;
  trans: TranslationBundle;
}

/** The fields, or what became of it; whoever draws it follows the form. */
export function DeliverFields({ form, students, timeZone, trans }: IFieldsProps): JSX.Element {
  const id = useId();
  const { results, chosen, busy } = form;
  const names = new Map(students.map(each => [each.username, displayName(each)]));
  return (
    <>
      <p>
        {trans.__(
          'The document goes into a folder of the assignment in each home. What is there already stays: the document gets a number in its name then.'
        )}
      </p>
      <fieldset className="jp-SnapshotsForm-group">
        <legend>{trans.__('Whose homes')}</legend>
        <label className="jp-SnapshotsForm-choice">
          <input
            type="radio"
            name={`${id}-who`}
            checked={chosen === null}
            disabled={busy}
            onChange={() => form.choose(null)}
          />
          {trans._n(
            'The whole class (%1 student)',
            'The whole class (%1 students)',
            students.length
          )}
        </label>
        <label className="jp-SnapshotsForm-choice">
          <input
            type="radio"
            name={`${id}-who`}
            checked={chosen !== null}
            disabled={busy}
            onChange={() => form.choose(new Set())}
          />
          {chosen === null
            ? trans.__('Chosen students…')
            : trans._n('%1 chosen student', '%1 chosen students', chosen.size)}
        </label>
        {chosen !== null && (
          <div className="jp-SnapshotsForm-inner">
            <StudentPicker
              students={students}
              chosen={chosen}
              onChange={next => form.choose(next)}
              noteOf={student => {
                const earlier = form.earlier(student);
                return earlier && deliveryText(earlier, timeZone, trans);
              }}
              disabled={busy}
              trans={trans}
            />
            {form.tried && chosen.size === 0 && (
              <p className="jp-SnapshotsForm-error" role="alert">
                {trans.__('Nobody is chosen yet.')}
              </p>
            )}
          </div>
        )}
      </fieldset>
      {busy && (
        <progress
          className="jp-SnapshotsReports-progress"
          aria-label={trans.__('Putting the document into the homes')}
        />
      )}
      {results && !busy && (
        <Results
          results={results}
          nameOf={student => names.get(student) ?? student}
          timeZone={timeZone}
          trans={trans}
        />
      )}
    </>
  );
}

interface IResultsProps {
  results: readonly IDelivery[];
  nameOf: (student: string) => string;
  timeZone: string;
  trans: TranslationBundle;
}

/** What became of it in each home; what failed comes first. */
function Results({ results, nameOf, timeZone, trans }: IResultsProps): JSX.Element {
  const count = (state: IDelivery['state']) => results.filter(each => each.state === state).length;
  const failed = count('failed');
  const rank = (each: IDelivery) => (each.state === 'failed' ? 0 : each.renamed ? 1 : 2);
  const sorted = [...results].sort(
    (a, b) => rank(a) - rank(b) || byName(nameOf(a.student), nameOf(b.student))
  );
  return (
    <section className="jp-SnapshotsMoves" aria-label={trans.__('What became of it')}>
      <p role="status" className="jp-SnapshotsMoves-text">
        {[
          trans._n(
            'The document is in %1 home.',
            'The document is in %1 homes.',
            count('delivered')
          ),
          failed &&
            trans._n(
              '%1 failed and is chosen for the next try.',
              '%1 failed and are chosen for the next try.',
              failed
            )
        ]
          .filter(Boolean)
          .join(' ')}
      </p>
      {sorted.length > 0 && (
        <div
          className="jp-SnapshotsMoves-scroll"
          tabIndex={0}
          role="region"
          aria-label={trans.__('Home by home')}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">{trans.__('Student')}</th>
                <th scope="col">{trans.__('What became of it')}</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map(each => (
                <tr key={each.id}>
                  <td>{nameOf(each.student)}</td>
                  <td className={each.state === 'failed' ? 'jp-mod-wrong' : undefined}>
                    {deliveryText(each, timeZone, trans)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** What became of a delivery, in words. */
export function deliveryText(each: IDelivery, timeZone: string, trans: TranslationBundle): string {
  switch (each.state) {
    case 'failed':
      return each.error ?? trans.__('failed');
    case 'waiting':
      return each.dueAt
        ? trans.__('waits until %1', zoneTime(each.dueAt, timeZone))
        : trans.__('waits');
    default:
      return each.renamed
        ? trans.__('%1 (something was there already)', each.path ?? '')
        : (each.path ?? trans.__('delivered'));
  }
}
