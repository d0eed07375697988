/** *Why this deadline?*: the steps that led to a student's deadline, for instructors and students. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import type { DeadlineRule, IDeadlineStep, IDeadlineTimes } from '../deadlineTokens';
import { elsewhere, zoneTime } from '../zones';

export interface IDeadlineStepsProps {
  deadline: IDeadlineTimes;
  /** Of the course. */
  timeZone: string;
  trans: TranslationBundle;
}

/** The steps in their order, and what holds in the end. */
export function DeadlineSteps({ deadline, timeZone, trans }: IDeadlineStepsProps): JSX.Element {
  const { steps } = deadline;
  return (
    <div className="jp-SnapshotsWhy">
      {steps.length > 0 ? (
        <ol className="jp-SnapshotsWhy-steps" aria-label={trans.__('Steps that led to it')}>
          {steps.map((step, at) => (
            <Step key={at} step={step} timeZone={timeZone} trans={trans} />
          ))}
        </ol>
      ) : (
        <p>{trans.__('No due date was set, so nothing is captured by itself.')}</p>
      )}
      <dl className="jp-SnapshotsWhy-result" aria-label={trans.__('What holds')}>
        {results(deadline, trans).map(([name, instant, text]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              {text ?? zoneTime(instant, timeZone)}
              <Elsewhere instant={text ? null : instant} timeZone={timeZone} trans={trans} />
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}

interface IStepProps {
  step: IDeadlineStep;
  timeZone: string;
  trans: TranslationBundle;
}

function Step({ step, timeZone, trans }: IStepProps): JSX.Element {
  const after = step.after
    ? zoneTime(step.after, timeZone)
    : step.rule === 'extension'
      ? trans.__('excused')
      : trans.__('no due date');
  return (
    <li>
      <span className="jp-SnapshotsWhy-rule">{ruleName(step.rule, trans)}</span>
      <span className="jp-SnapshotsWhy-after">
        {step.before && (
          <>
            <del>{zoneTime(step.before, timeZone)}</del>
            <span aria-hidden="true"> → </span>
          </>
        )}
        <strong>{after}</strong>
      </span>
      {step.text && <span className="jp-SnapshotsWhy-text">{step.text}</span>}
    </li>
  );
}

/** What a step is called. */
export function ruleName(rule: DeadlineRule, trans: TranslationBundle): string {
  switch (rule) {
    case 'dueDate':
      return trans.__('Due date');
    case 'override':
      return trans.__('Other date in the learning management system');
    case 'extension':
      return trans.__('Extension');
    case 'dateExtraHours':
      return trans.__('Extra hours');
    case 'visibleTill':
      return trans.__('Late work accepted');
    case 'timed':
      return trans.__('Time limit');
    case 'cappedByClosing':
      return trans.__('Not after it closes');
    default:
      return rule; // Of a service that is newer than this page.
  }
}

type Result = [name: string, instant: string | null, text?: string];

function results(deadline: IDeadlineTimes, trans: TranslationBundle): Result[] {
  if (deadline.excused) {
    return [[trans.__('Due'), null, trans.__('Excused: nothing is asked and nothing captured.')]];
  }
  const { due, closes, ends } = deadline;
  const found: Result[] = due ? [[trans.__('Due'), due]] : [];
  if (ends) {
    found.push([trans.__('Time ends'), ends]);
  }
  if (closes && closes !== due) {
    found.push([trans.__('Closes'), closes]);
  }
  return found;
}

/** The same instant in the browser's zone, where clocks show something else. */
export function Elsewhere(props: {
  instant: string | null;
  timeZone: string;
  trans: TranslationBundle;
}): JSX.Element | null {
  const text = elsewhere(props.instant, props.timeZone);
  return text === null ? null : (
    <span className="jp-SnapshotsWhy-elsewhere">{props.trans.__('%1 on your clock', text)}</span>
  );
}

/** Shows why; resolves when the dialog was closed. */
export async function showWhyDeadline(options: {
  deadline: IDeadlineTimes;
  /** Of the assignment, and of the student where that is somebody else. */
  title: string;
  timeZone: string;
  trans: TranslationBundle;
}): Promise<void> {
  const { deadline, title, timeZone, trans } = options;
  await showDialog({
    title: trans.__('Why this deadline? %1', title),
    body: ReactWidget.create(
      <DeadlineSteps deadline={deadline} timeZone={timeZone} trans={trans} />
    ),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
