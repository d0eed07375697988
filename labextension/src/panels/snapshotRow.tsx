/** The row of one snapshot of one student, as students and snapshots both show it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';
import { age, localTime, shortTime, size } from '../format';
import { pinIcon, zipIcon } from '../icons';
import { CommandIDs } from '../tokens';
import type { ISnapshot } from '../tokens';
import { below, openMenu } from './menu';
import type { MenuEntry } from './menu';
import { StateChip, stateLabel } from './state';
import { RowButton } from './tree';

export interface ISnapshotRowProps {
  snapshot: ISnapshot;
  course: string;
  timeZone: string;
  /** What stands in the first line: the snapshot's name, or the student's. */
  title: string;
  active: boolean;
  now: Date;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** See the module. */
export function SnapshotRow(props: ISnapshotRowProps): JSX.Element {
  const { snapshot, course, timeZone, title, active, commands, trans } = props;
  const place = placeOfSnapshot(course, snapshot);
  const facts = [shortTime(snapshot.endedAt, timeZone), size(snapshot.bytes)].filter(Boolean);
  const when = localTime(snapshot.endedAt, timeZone);
  return (
    <>
      <div className="jp-SnapshotsTree-main">
        <div className="jp-SnapshotsTree-line">
          <span className="jp-SnapshotsTree-title" title={title}>
            {title}
          </span>
          {snapshot.pinned && <pinIcon.react tag="span" title={trans.__('Kept from deletion')} />}
        </div>
        <div className="jp-SnapshotsTree-line jp-mod-quiet">
          <StateChip
            state={snapshot.state}
            problemCount={snapshot.problemCount}
            trans={trans}
            tabbable={active}
          />
          <span
            className="jp-SnapshotsTree-text"
            title={trans.__('%1 (%2)', when, age(snapshot.endedAt, trans, props.now))}
          >
            {facts.join(' · ')}
          </span>
        </div>
      </div>
      <div className="jp-SnapshotsTree-actions">
        <RowButton
          label={trans.__('Download %1 as a zip', title)}
          icon={<zipIcon.react tag="span" />}
          active={active}
          onClick={() => void commands.execute(CommandIDs.downloadSnapshot, { ...place })}
        />
        <RowButton
          label={trans.__('More for %1', title)}
          icon={<ellipsesIcon.react tag="span" />}
          active={active}
          hasMenu
          onClick={event => openMenu(commands, snapshotMenu(course, snapshot), ...below(event))}
        />
      </div>
    </>
  );
}

/** What can be done with a snapshot. */
export function snapshotMenu(course: string, snapshot: ISnapshot): MenuEntry[] {
  const args = { ...placeOfSnapshot(course, snapshot) };
  return [
    { command: CommandIDs.openSnapshot, args },
    { command: CommandIDs.compareSnapshots, args },
    { command: CommandIDs.downloadSnapshot, args },
    { command: CommandIDs.showDetails, args },
    null,
    { command: CommandIDs.pinSnapshot, args: { ...args, pinned: snapshot.pinned } },
    { command: CommandIDs.deleteSnapshot, args: { ...args, pinned: snapshot.pinned } }
  ];
}

/** The top of a snapshot. */
export function placeOfSnapshot(course: string, snapshot: ISnapshot) {
  return { course, student: snapshot.student, snapshot: snapshot.name, path: '' };
}

/** What is read aloud for the row. */
export function snapshotLabel(
  snapshot: ISnapshot,
  title: string,
  now: Date,
  trans: TranslationBundle
): string {
  return trans.__(
    '%1, %2, %3, %4',
    title,
    stateLabel(snapshot.state, trans),
    age(snapshot.endedAt, trans, now),
    size(snapshot.bytes)
  );
}
