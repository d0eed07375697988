/** *Why This Deadline?* of a student of the class: who and what is chosen, the steps are shown. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useEffect, useId, useState } from 'react';
import type { AssignmentsModel } from '../assignments';
import type { IDeadline, IPlannedCapture } from '../deadlineTokens';
import { displayName } from '../format';
import { Message } from '../panels/state';
import type { IStudentRow } from '../tokens';
import { zoneTime } from '../zones';
import { activeStudents } from './studentPicker';
import { DeadlineSteps } from './whyDeadline';

/** Shows it; resolves when the dialog is closed. */
export async function showWhyOf(
  assignments: AssignmentsModel,
  trans: TranslationBundle,
  at: { assignment?: number; student?: string } = {}
): Promise<void> {
  const active = await activeStudents(assignments);
  await showDialog({
    title: trans.__('Why This Deadline?'),
    body: ReactWidget.create(
      <WhyOf assignments={assignments} students={active} first={at} trans={trans} />
    ),
    buttons: [Dialog.okButton({ label: trans.__('Close') })],
    hasClose: true,
    focusNodeSelector: at.assignment === undefined || !at.student ? 'select' : ''
  });
}

interface IWhyOfProps {
  assignments: AssignmentsModel;
  /** In the order in which they are shown. */
  students: readonly IStudentRow[];
  first: { assignment?: number; student?: string };
  trans: TranslationBundle;
}

interface IAnswer {
  /** The choice that it answers. */
  asked: string;
  found: IDeadline | Error | 'none';
}

/** Two lists to choose from, and the steps of what is chosen. */
export function WhyOf({ assignments, students, first, trans }: IWhyOfProps): JSX.Element {
  const id = useId();
  const rows = assignments.overview?.assignments ?? [];
  const [assignment, setAssignment] = useState(first.assignment ?? rows[0]?.id ?? null);
  const [student, setStudent] = useState(first.student ?? students[0]?.username ?? null);
  const [answer, setAnswer] = useState<IAnswer | null>(null);
  const { api, course, timeZone } = assignments;
  const asked = JSON.stringify([assignment, student]);
  // What was answered for another choice is not shown.
  const isNobody = assignment === null || student === null;
  const found = isNobody ? 'none' : answer?.asked === asked ? answer.found : null;
  useEffect(() => {
    if (assignment === null || student === null) {
      return;
    }
    let isGone = false;
    const take = (result: IDeadline | Error | null) => {
      if (!isGone) {
        setAnswer({ asked, found: result ?? 'none' });
      }
    };
    api.deadline(course, assignment, student).then(take, take);
    return () => {
      isGone = true;
    };
  }, [api, course, assignment, student, asked]);
  return (
    <div className="jp-SnapshotsForm jp-SnapshotsWhyOf">
      <div className="jp-SnapshotsForm-pair">
        <div className="jp-SnapshotsField">
          <label htmlFor={`${id}-a`}>{trans.__('Assignment')}</label>
          <select
            id={`${id}-a`}
            className="jp-mod-styled"
            value={assignment ?? ''}
            onChange={event => setAssignment(Number(event.target.value))}
          >
            {rows.map(each => (
              <option key={each.id} value={each.id}>
                {each.title}
              </option>
            ))}
          </select>
        </div>
        <div className="jp-SnapshotsField">
          <label htmlFor={`${id}-s`}>{trans.__('Student')}</label>
          <select
            id={`${id}-s`}
            className="jp-mod-styled"
            value={student ?? ''}
            onChange={event => setStudent(event.target.value)}
          >
            {students.map(each => (
              <option key={each.username} value={each.username}>
                {displayName(each)}
              </option>
            ))}
          </select>
        </div>
      </div>
      {found === null ? (
        <Message kind="busy" title={trans.__('Looking it up…')} />
      ) : found === 'none' ? (
        <Message
          title={trans.__('There is no deadline to explain.')}
          text={
            isNobody
              ? trans.__('It takes an assignment and a student of the course.')
              : trans.__('The student is not in the course now, or the assignment is gone.')
          }
        />
      ) : found instanceof Error ? (
        <Message
          kind="error"
          title={trans.__('The deadline could not be loaded.')}
          text={found.message}
        />
      ) : (
        <>
          <DeadlineSteps deadline={found} timeZone={timeZone} trans={trans} />
          <Captures captures={found.captures} timeZone={timeZone} trans={trans} />
        </>
      )}
    </div>
  );
}

interface ICapturesProps {
  captures: readonly IPlannedCapture[];
  timeZone: string;
  trans: TranslationBundle;
}

/** What was captured, and what will be. */
export function Captures({ captures, timeZone, trans }: ICapturesProps): JSX.Element {
  if (!captures.length) {
    return <p>{trans.__('Nothing is captured by itself.')}</p>;
  }
  return (
    <table className="jp-SnapshotsWhyOf-captures">
      <caption>{trans.__('Captures')}</caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('For')}</th>
          <th scope="col">{trans.__('At')}</th>
          <th scope="col">{trans.__('State')}</th>
        </tr>
      </thead>
      <tbody>
        {captures.map(each => (
          <tr key={`${each.kind} ${each.at}`}>
            <td>{kindText(each.kind, trans)}</td>
            <td>{zoneTime(each.at, timeZone, { seconds: true })}</td>
            <td>
              {captureText(each, trans)}
              {each.snapshot && <div className="jp-SnapshotsField-note">{each.snapshot}</div>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What a capture is for. */
function kindText(kind: IPlannedCapture['kind'], trans: TranslationBundle): string {
  switch (kind) {
    case 'deadline':
      return trans.__('the deadline');
    case 'exam':
      return trans.__('the end of the time');
    case 'late':
      return trans.__('late work');
    case 'warmup':
      return trans.__('preparation');
    default:
      return trans.__('taken by hand');
  }
}

/** How far a capture is, and how late it was. */
export function captureText(each: IPlannedCapture, trans: TranslationBundle): string {
  switch (each.state) {
    case 'planned':
      return trans.__('planned');
    case 'running':
      return trans.__('running');
    case 'failed':
      return trans.__('failed');
    case 'skipped':
      return trans.__('not needed');
    default:
      return each.lateSeconds
        ? trans.__('done, %1', lateText(each.lateSeconds, trans))
        : trans.__('done');
  }
}

/** How long after its instant something began, to one unit. */
export function lateText(seconds: number, trans: TranslationBundle): string {
  if (seconds < 90) {
    return trans._n('%1 second late', '%1 seconds late', Math.round(seconds));
  }
  if (seconds < 90 * 60) {
    return trans._n('%1 minute late', '%1 minutes late', Math.round(seconds / 60));
  }
  if (seconds < 36 * 3600) {
    return trans._n('%1 hour late', '%1 hours late', Math.round(seconds / 3600));
  }
  return trans._n('%1 day late', '%1 days late', Math.round(seconds / 86400));
}
