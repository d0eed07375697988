/** A list of students of which some are chosen, with a filter. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { startTransition, useEffect, useState } from 'react';
import type { AssignmentsModel } from '../assignments';
import { displayName } from '../format';
import { inOrder, matching } from '../panels/students/rows';
import type { IStudentRow } from '../tokens';

/** Students that are drawn with the form. */
const AT_ONCE = 30;

/** The students of the course now, by name; loaded when the panel was not open yet. */
export async function activeStudents(assignments: AssignmentsModel): Promise<IStudentRow[]> {
  const { snapshots, course } = assignments;
  const students = snapshots.students ?? (await snapshots.api.students(course));
  return inOrder(students, 'name').filter(each => each.active);
}

export interface IStudentPickerProps {
  /** In the order in which they are shown. */
  students: readonly IStudentRow[];
  /** Usernames. */
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
  /** What is said of a student beside the name. */
  noteOf?: (student: string) => string | null;
  disabled?: boolean;
  trans: TranslationBundle;
}

/** See the module. */
export function StudentPicker(props: IStudentPickerProps): JSX.Element {
  const { students, chosen, onChange, trans, disabled } = props;
  const [query, setQuery] = useState('');
  const shown = matching(students, query);
  const choose = (some: readonly IStudentRow[], on: boolean) => {
    const next = new Set(chosen);
    some.forEach(each => (on ? next.add(each.username) : next.delete(each.username)));
    onChange(next);
  };
  return (
    <>
      <input
        type="search"
        className="jp-mod-styled"
        value={query}
        placeholder={trans.__('Filter students')}
        aria-label={trans.__('Filter students')}
        onChange={event => setQuery(event.target.value)}
      />
      <div className="jp-SnapshotsTake-all">
        <button
          type="button"
          className="jp-SnapshotsLink"
          disabled={disabled}
          onClick={() => choose(shown, true)}
        >
          {trans.__('Choose those shown')}
        </button>
        <button
          type="button"
          className="jp-SnapshotsLink"
          disabled={disabled}
          onClick={() => choose(shown, false)}
        >
          {trans.__('None of those shown')}
        </button>
      </div>
      <StudentList {...props} students={shown} onChoose={(one, on) => choose([one], on)} />
    </>
  );
}

interface IListProps extends IStudentPickerProps {
  onChoose: (student: IStudentRow, on: boolean) => void;
}

/** A field for each student; the first are there at once, the others as soon as there is time. */
function StudentList(props: IListProps): JSX.Element {
  const { students, chosen, onChoose, noteOf, disabled, trans } = props;
  const [limit, setLimit] = useState(AT_ONCE);
  useEffect(() => startTransition(() => setLimit(Infinity)), []);
  return (
    <ul className="jp-SnapshotsTake-list" aria-label={trans.__('Students')}>
      {students.slice(0, limit).map(student => {
        const { username } = student;
        const name = displayName(student);
        const note = noteOf?.(username);
        return (
          <li key={username}>
            <label>
              <input
                type="checkbox"
                checked={chosen.has(username)}
                disabled={disabled}
                onChange={event => onChoose(student, event.target.checked)}
              />
              <span className="jp-SnapshotsTake-student" title={username}>
                {name}
                {name !== username && (
                  <span className="jp-SnapshotsTake-username"> {username}</span>
                )}
              </span>
              {note && <span className="jp-SnapshotsTake-note">{note}</span>}
            </label>
          </li>
        );
      })}
    </ul>
  );
}
