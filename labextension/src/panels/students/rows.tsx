/** Students as rows: in what order, which ones, and how each looks. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';
import { age, byName, displayName, localTime } from '../../format';
import { CommandIDs } from '../../tokens';
import type { IStudentRow } from '../../tokens';
import { below, openMenu } from '../menu';
import type { MenuEntry } from '../menu';
import { StateChip, stateLabel } from '../state';
import type { ChipState } from '../state';
import { RowButton } from '../tree';

export type StudentOrder = 'name' | 'newest' | 'state';

/** What the chip of a student says: a failure after the newest snapshot comes first. */
export function studentState(student: IStudentRow): ChipState {
  if (student.lastFailure) {
    return 'failed';
  }
  return student.newest ? student.newest.state : 'none';
}

/** What needs a look comes first. */
const URGENCY: ChipState[] = ['failed', 'incomplete', 'none', 'unknown', 'imported', 'complete'];

/** The students in the order asked for; those that are alike, by name. */
export function inOrder(students: readonly IStudentRow[], order: StudentOrder): IStudentRow[] {
  // Each key is made once per student: comparing is done many times.
  const keyed = students.map(student => ({
    student,
    name: `${student.lastName || student.username} ${student.firstName}`,
    when: student.newest?.endedAt ?? '',
    urgency: URGENCY.indexOf(studentState(student))
  }));
  keyed.sort((a, b) => {
    let first = 0;
    if (order === 'newest') {
      first = b.when < a.when ? -1 : b.when > a.when ? 1 : 0;
    } else if (order === 'state') {
      first = a.urgency - b.urgency;
    }
    return first || byName(a.name, b.name);
  });
  return keyed.map(each => each.student);
}

/** The students in whose names each word of the text is. */
export function matching(students: readonly IStudentRow[], query: string): IStudentRow[] {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return students.filter(student => {
    const { username, firstName, lastName, canvasId } = student;
    const text = `${username} ${firstName} ${lastName} ${canvasId ?? ''}`.toLocaleLowerCase();
    return words.every(word => text.includes(word));
  });
}

export interface IStudentLineProps {
  student: IStudentRow;
  timeZone: string;
  now: Date;
  active: boolean;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** Name, state, and the age of the newest snapshot of one student. */
export function StudentLine(props: IStudentLineProps): JSX.Element {
  const { student, timeZone, now, active, commands, trans } = props;
  const { newest } = student;
  const name = displayName(student);
  return (
    <>
      <div className="jp-SnapshotsTree-main">
        <div className="jp-SnapshotsTree-line">
          <span className="jp-SnapshotsTree-title" title={`${name} (${student.username})`}>
            {name}
          </span>
          {!student.active && <Badge student={student} trans={trans} />}
          <StateChip
            state={studentState(student)}
            problemCount={newest?.problemCount}
            reason={student.lastFailure?.message}
            trans={trans}
            tabbable={active}
          />
        </div>
        <div className="jp-SnapshotsTree-line jp-mod-quiet">
          <span
            className="jp-SnapshotsTree-text"
            title={newest ? `${newest.name} · ${localTime(newest.endedAt, timeZone)}` : undefined}
          >
            {[
              name === student.username ? '' : student.username,
              newest ? age(newest.endedAt, trans, now) : trans.__('no snapshot yet')
            ]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </div>
      </div>
      <div className="jp-SnapshotsTree-actions">
        <RowButton
          label={trans.__('More for %1', name)}
          icon={<ellipsesIcon.react tag="span" />}
          active={active}
          hasMenu
          onClick={event => openMenu(commands, studentMenu(student), ...below(event))}
        />
      </div>
    </>
  );
}

/** What somebody is who has snapshots and is no student of the course now. */
function Badge({ student, trans }: Pick<IStudentLineProps, 'student' | 'trans'>): JSX.Element {
  return student.role === 'instructor' ? (
    <span className="jp-SnapshotsBadge" title={trans.__('An instructor of the course now.')}>
      {trans.__('instructor')}
    </span>
  ) : student.role === 'assistant' ? (
    <span className="jp-SnapshotsBadge" title={trans.__('An assistant of the course now.')}>
      {trans.__('assistant')}
    </span>
  ) : (
    <span
      className="jp-SnapshotsBadge"
      title={trans.__('No longer in the course; the snapshots are still there.')}
    >
      {trans.__('left the course')}
    </span>
  );
}

/** What can be done with a student. */
export function studentMenu(student: IStudentRow): MenuEntry[] {
  const args = { student: student.username };
  return student.active
    ? [
        { command: CommandIDs.take, args: { students: [student.username] } },
        { command: CommandIDs.returnReports, args },
        null,
        { command: CommandIDs.grantExtension, args: { students: [student.username] } },
        { command: CommandIDs.accommodate, args },
        { command: CommandIDs.whyDeadline, args }
      ]
    : [];
}

/** What is read aloud for the row. */
export function studentLabel(student: IStudentRow, now: Date, trans: TranslationBundle): string {
  const state = stateLabel(studentState(student), trans);
  const name = student.active
    ? displayName(student)
    : student.role === 'instructor'
      ? trans.__('%1, instructor', displayName(student))
      : student.role === 'assistant'
        ? trans.__('%1, assistant', displayName(student))
        : trans.__('%1, left the course', displayName(student));
  return student.newest
    ? trans.__('%1, newest snapshot %2, %3', name, age(student.newest.endedAt, trans, now), state)
    : trans.__('%1, no snapshot yet, %2', name, state);
}
