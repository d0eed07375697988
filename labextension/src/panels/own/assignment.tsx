/** One own assignment: when it is due, where it stands, and what can be done. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import React, { useId } from 'react';
import { clockText, spokenTime } from '../../countdown';
import { Elsewhere } from '../../dialogs/whyDeadline';
import type { SnapshotsModel } from '../../model';
import type { OwnAssignmentsModel } from '../../ownAssignments';
import { OwnCommandIDs } from '../../ownTokens';
import type { IOwnAssignment } from '../../ownTokens';
import type { ICourse } from '../../tokens';
import { relativeTime, zoneTime } from '../../zones';
import { isolated } from '../files/target';
import { below, openMenu } from '../menu';
import { Tip } from '../tip';
import { countsAt, isOver, standing } from './standing';

export interface IAssignedProps {
  model: SnapshotsModel;
  own: OwnAssignmentsModel;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

interface IItemProps extends IAssignedProps {
  assignment: IOwnAssignment;
  course: ICourse;
  now: Date;
}

/** See the module. */
export function AssignedItem(props: IItemProps): JSX.Element {
  const { assignment, commands, course, now, trans } = props;
  const { delivered, delivery, description, title } = assignment;
  const id = useId();
  const { label, explanation, colour } = standing(assignment, now, trans);
  const args = { course: course.code, id: assignment.id };
  const mustOpen = assignment.state === 'not_opened' && assignment.availability !== null;
  return (
    <li
      className={`jp-SnapshotsAssigned-item${assignment.state === 'running_out' ? ' jp-mod-running' : ''}`}
      aria-labelledby={id}
    >
      <div className="jp-SnapshotsAssigned-head">
        <h3 id={id} className="jp-SnapshotsAssigned-title" title={title}>
          {title}
        </h3>
        <Tip className={`jp-SnapshotsChip jp-mod-${colour}`} text={explanation}>
          {label}
        </Tip>
      </div>
      {description && <p className="jp-SnapshotsAssigned-description">{description}</p>}
      <TimeLeft {...props} />
      <Times {...props} />
      <Captured {...props} />
      {delivered && (
        <p className="jp-SnapshotsAssigned-line">
          {trans.__('Document:')}{' '}
          <button
            type="button"
            className="jp-SnapshotsLink jp-SnapshotsAssigned-path"
            title={trans.__('Open the document')}
            onClick={() => void commands.execute(OwnCommandIDs.openDocument, args)}
          >
            {isolated(delivered)}
          </button>
        </p>
      )}
      {delivery?.state === 'failed' && (
        <p className="jp-SnapshotsAssigned-line jp-mod-warning">
          {trans.__('Its document could not be put into your files: %1', delivery.error)}
        </p>
      )}
      <div className="jp-SnapshotsAssigned-actions">
        {mustOpen && (
          <button
            type="button"
            className="jp-SnapshotsButton jp-mod-styled jp-mod-accept"
            aria-haspopup="dialog"
            aria-label={trans.__('Open… %1', title)}
            onClick={() => void commands.execute(OwnCommandIDs.open, args)}
          >
            {trans.__('Open…')}
          </button>
        )}
        <Actions {...props} />
      </div>
    </li>
  );
}

/** The clock, where one runs. */
function TimeLeft({ assignment, course, own, trans }: IItemProps): JSX.Element | null {
  const left = useTimeLeft(own, course.code, assignment.id);
  if (left === null) {
    return null;
  }
  if (left === 0) {
    return (
      // Read aloud by the notification of the end.
      <p className="jp-SnapshotsAssigned-clock">
        {trans.__('Your time has ended. Your files are being captured…')}
      </p>
    );
  }
  return (
    <p className={`jp-SnapshotsAssigned-clock${left <= 300 ? ' jp-mod-short' : ''}`}>
      <span
        role="timer"
        aria-label={trans.__('%1 left', spokenTime(left, trans))}
        className="jp-SnapshotsAssigned-left"
      >
        {clockText(left)}
      </span>{' '}
      <span aria-hidden="true">{trans.__('left')}</span>
    </p>
  );
}

/** When it is due, in the course's zone; what was changed for this student is said. */
function Times({ assignment, course, now, own, trans }: IItemProps): JSX.Element {
  const { availability, closes, due, ends, excused, state, steps } = assignment;
  const hasClock = own.leftOf(course.code, assignment.id) !== null;
  const { timeZone } = course;
  const instant = countsAt(assignment) ?? closes;
  const minutes = availability?.timed ?? null;
  const extension = steps.find(step => step.rule === 'extension');
  const extra = steps.find(step => step.rule === 'dateExtraHours');
  return (
    <>
      {!excused && (
        <p className="jp-SnapshotsAssigned-line">
          {instant === null ? (
            trans.__('No due date')
          ) : (
            <>
              {instantName(assignment, trans)}{' '}
              <time dateTime={instant} className="jp-SnapshotsAssigned-when">
                {zoneTime(instant, timeZone)}
              </time>{' '}
              {!hasClock && (
                <span className="jp-SnapshotsAssigned-quiet jp-mod-whole">
                  ({relativeTime(instant, trans, now)})
                </span>
              )}
              {!isOver(assignment) && (
                <Elsewhere instant={instant} timeZone={timeZone} trans={trans} />
              )}
            </>
          )}
        </p>
      )}
      {minutes !== null && state === 'not_opened' && !excused && (
        <p className="jp-SnapshotsAssigned-line">
          {trans.__('You have %1 from when you open it.', spokenTime(minutes * 60, trans))}
        </p>
      )}
      {extension && !excused && (
        <p className="jp-SnapshotsAssigned-line jp-mod-note">
          {extension.before
            ? trans.__(
                'You have an extension. Without it: %1.',
                zoneTime(extension.before, timeZone)
              )
            : trans.__('You have a date of your own.')}
        </p>
      )}
      {extra && !excused && (
        <p className="jp-SnapshotsAssigned-line jp-mod-note">
          {trans.__('You have extra time. Without it: %1.', zoneTime(extra.before, timeZone))}
        </p>
      )}
      {closes && due && closes !== due && !ends && !isOver(assignment) && (
        <p className="jp-SnapshotsAssigned-line jp-SnapshotsAssigned-quiet">
          {trans.__('Late work is accepted until %1.', zoneTime(closes, timeZone))}
        </p>
      )}
    </>
  );
}

/** What happens at the instant that is shown first. */
function instantName(assignment: IOwnAssignment, trans: TranslationBundle): string {
  if (assignment.ends) {
    return isOver(assignment) ? trans.__('Your time ended') : trans.__('Your time ends');
  }
  if (assignment.due) {
    return trans.__('Due');
  }
  return isOver(assignment) ? trans.__('Closed') : trans.__('Closes');
}

/** What was captured. */
function Captured({ assignment, course, trans }: IItemProps): JSX.Element | null {
  const { snapshot } = assignment;
  if (!snapshot) {
    return null;
  }
  return (
    <>
      {snapshot.beganAt && (
        <p className="jp-SnapshotsAssigned-line" title={snapshot.name}>
          {trans.__('Captured %1', zoneTime(snapshot.beganAt, course.timeZone, { seconds: true }))}
        </p>
      )}
      {snapshot.changed > 0 && (
        <p className="jp-SnapshotsAssigned-line jp-mod-warning">
          {trans._n(
            'One file in it was changed after the deadline.',
            '%1 files in it were changed after the deadline.',
            snapshot.changed
          )}
        </p>
      )}
    </>
  );
}

/** The links below. */
function Actions({ assignment, commands, course, model, trans }: IItemProps): JSX.Element {
  const { snapshot, title } = assignment;
  const args = { course: course.code, id: assignment.id };
  const receipt = { course: course.code, snapshot: snapshot?.name ?? '' };
  return (
    <>
      {snapshot && (
        <>
          <button
            type="button"
            className="jp-SnapshotsLink"
            aria-label={trans.__('Show Files of %1', title)}
            onClick={() =>
              model.showPlace({
                course: course.code,
                student: model.me?.username ?? '',
                snapshot: snapshot.name,
                path: ''
              })
            }
          >
            {trans.__('Show Files')}
          </button>
          <button
            type="button"
            className="jp-SnapshotsLink"
            aria-haspopup="menu"
            aria-label={trans.__('Receipt of %1', title)}
            onClick={event => {
              const entries = [OwnCommandIDs.downloadReceipt, OwnCommandIDs.showReceipt];
              openMenu(
                commands,
                entries.map(command => ({ command, args: receipt })),
                ...below(event)
              );
            }}
          >
            {trans.__('Receipt')}
          </button>
        </>
      )}
      <button
        type="button"
        className="jp-SnapshotsLink"
        aria-haspopup="dialog"
        aria-label={trans.__('Why this deadline? %1', title)}
        onClick={() => void commands.execute(OwnCommandIDs.why, args)}
      >
        {trans.__('Why this deadline?')}
      </button>
    </>
  );
}

/** The seconds that are left, renewed each second; null where no clock runs. */
function useTimeLeft(own: OwnAssignmentsModel, course: string, id: number): number | null {
  return React.useSyncExternalStore(
    React.useCallback(
      changed => {
        const onChange = () => changed();
        own.ticked.connect(onChange);
        own.stateChanged.connect(onChange);
        return () => {
          own.ticked.disconnect(onChange);
          own.stateChanged.disconnect(onChange);
        };
      },
      [own]
    ),
    () => own.leftOf(course, id)
  );
}
