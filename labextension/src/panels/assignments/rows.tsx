/** Assignments as rows: how far each is, when it is due, and what can be done with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';
import type { IAssignmentRow } from '../../assignmentTokens';
import { CommandIDs } from '../../tokens';
import { relativeTime, zoneTime } from '../../zones';
import { below, openMenu } from '../menu';
import type { MenuEntry } from '../menu';
import { Tip } from '../tip';
import { RowButton } from '../tree';

/** How many students of how many have something captured; who is excused is not counted. */
export function collected(row: IAssignmentRow, students: number): [number, number] {
  const { captured, late, missing, failed, running, open, excused } = row.counts;
  const known = captured + late + missing + failed + running + open;
  return [captured + late, known || Math.max(0, students - excused)];
}

/** The word on the chip. */
export function assignmentState(
  row: IAssignmentRow,
  students: number,
  trans: TranslationBundle
): string {
  switch (row.state) {
    case 'upcoming':
      return trans.__('upcoming');
    case 'open':
      return trans.__('open');
    case 'capturing':
      return trans.__('capturing');
    case 'collected':
      return trans.__('%1 of %2 collected', ...collected(row, students));
    case 'released':
      return trans.__('released');
    default:
      return trans.__('undated');
  }
}

/** What the word means, with the numbers that one wants to know then. */
export function explainState(
  row: IAssignmentRow,
  students: number,
  trans: TranslationBundle
): string {
  const numbers = countsText(row, students, trans);
  switch (row.state) {
    case 'upcoming':
      return trans.__('Students do not see it yet.');
    case 'open':
      return collected(row, students)[0]
        ? trans.__('Some deadlines are over, some are still to come. %1', numbers)
        : trans.__('Students work on it; what they have is captured at each one’s deadline.');
    case 'capturing':
      return trans.__('Snapshots are being taken now. %1', numbers);
    case 'collected':
      return trans.__('Every deadline is over. %1', numbers);
    case 'released':
      return trans.__('Grades are released: reports go into the homes. %1', numbers);
    default:
      return trans.__('Without a due date nothing is captured by itself.');
  }
}

/** The numbers of an assignment in one sentence; what is nobody’s is left out. */
export function countsText(
  row: IAssignmentRow,
  students: number,
  trans: TranslationBundle
): string {
  const { late, missing, failed, running, open, excused } = row.counts;
  const [captured, all] = collected(row, students);
  const parts = [trans.__('%1 of %2 captured', captured, all)];
  const add = (count: number, text: string) => count > 0 && parts.push(text);
  add(late, trans.__('%1 of them late', late));
  add(running, trans.__('%1 running', running));
  add(missing, trans.__('%1 missing', missing));
  add(failed, trans.__('%1 failed', failed));
  add(open, trans.__('%1 still open', open));
  add(excused, trans.__('%1 excused', excused));
  return `${parts.join(', ')}.`;
}

/** What is said of other dates than the class’s; null when everybody has the same. */
export function otherDates(
  row: IAssignmentRow,
  timeZone: string,
  trans: TranslationBundle
): { label: string; text: string } | null {
  const { firstInstant, lastInstant } = row;
  const { extended } = row.counts;
  const isOne = firstInstant === lastInstant;
  if (isOne && !extended) {
    return null;
  }
  const range = trans.__(
    'The first date is %1, the last one %2.',
    zoneTime(firstInstant, timeZone),
    zoneTime(lastInstant, timeZone)
  );
  const text = trans._n('%1 student has an extension.', '%1 students have an extension.', extended);
  return {
    label: extended ? trans.__('+%1 extended', extended) : trans.__('several dates'),
    text: [extended && text, !isOne && range].filter(Boolean).join(' ')
  };
}

/** When an assignment is due, as it stands in its row. */
export function dueText(row: IAssignmentRow, timeZone: string, trans: TranslationBundle): string {
  return row.duedate ? zoneTime(row.duedate, timeZone) : trans.__('no due date');
}

export interface IAssignmentLineProps {
  row: IAssignmentRow;
  students: number;
  timeZone: string;
  now: Date;
  active: boolean;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** Title, state and due date of one assignment. */
export function AssignmentLine(props: IAssignmentLineProps): JSX.Element {
  const { row, students, timeZone, now, active, commands, trans } = props;
  const dates = otherDates(row, timeZone, trans);
  const due = dueText(row, timeZone, trans);
  return (
    <>
      <div className="jp-SnapshotsTree-main">
        <div className="jp-SnapshotsTree-line">
          <span className="jp-SnapshotsTree-title" title={row.title}>
            {row.title}
          </span>
          <Tip
            className={`jp-SnapshotsChip jp-mod-${chipModifier(row)}`}
            text={explainState(row, students, trans)}
            tabbable={active}
          >
            {assignmentState(row, students, trans)}
          </Tip>
        </div>
        <div className="jp-SnapshotsTree-line jp-mod-quiet">
          <span
            className="jp-SnapshotsTree-text"
            title={row.duedate ? `${due} (${relativeTime(row.duedate, trans, now)})` : due}
          >
            {due}
          </span>
          {dates && (
            <Tip className="jp-SnapshotsBadge" text={dates.text} tabbable={active}>
              {dates.label}
            </Tip>
          )}
        </div>
      </div>
      <div className="jp-SnapshotsTree-actions">
        <RowButton
          label={trans.__('More for %1', row.title)}
          icon={<ellipsesIcon.react tag="span" />}
          active={active}
          hasMenu
          onClick={event => openMenu(commands, assignmentMenu(row), ...below(event))}
        />
      </div>
    </>
  );
}

/** Who is missing is what one has to look after. */
function chipModifier(row: IAssignmentRow): string {
  if (row.state === 'collected' && row.counts.missing + row.counts.failed > 0) {
    return 'incomplete';
  }
  return row.state;
}

/** What can be done with an assignment. */
export function assignmentMenu(row: IAssignmentRow): MenuEntry[] {
  const args = { assignment: row.id };
  return [
    { command: CommandIDs.editAssignment, args },
    { command: CommandIDs.grantExtension, args },
    { command: CommandIDs.whyDeadline, args },
    null,
    { command: CommandIDs.openGrid },
    { command: CommandIDs.showCaptured, args },
    { command: CommandIDs.downloadCaptured, args },
    { command: CommandIDs.deliverDocument, args },
    null,
    { command: CommandIDs.deleteAssignment, args }
  ];
}

/** What is read aloud for the row. */
export function assignmentLabel(
  row: IAssignmentRow,
  students: number,
  timeZone: string,
  trans: TranslationBundle
): string {
  return [
    row.title,
    assignmentState(row, students, trans),
    row.duedate ? trans.__('due %1', zoneTime(row.duedate, timeZone)) : trans.__('no due date'),
    otherDates(row, timeZone, trans)?.label
  ]
    .filter(Boolean)
    .join(', ');
}
