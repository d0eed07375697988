/** Snapshots of one name over the class; opened, each shows the students that have it. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import React, { useMemo } from 'react';
import { age, byName, displayName, localTime, size } from '../../format';
import { pinIcon, zipIcon } from '../../icons';
import type { SnapshotsModel } from '../../model';
import { CommandIDs } from '../../tokens';
import type { INameRow } from '../../tokens';
import { useModel, useNow } from '../hooks';
import { below, openMenu } from '../menu';
import type { MenuEntry } from '../menu';
import { parsed, rowKey, useOpened } from '../opened';
import { snapshotLabel, snapshotMenu, SnapshotRow } from '../snapshotRow';
import { Message, StateChip, stateLabel, TextButton } from '../state';
import type { ChipState } from '../state';
import { RowButton, Tree } from '../tree';
import type { ITreeRow } from '../tree';

export interface INamesProps {
  model: SnapshotsModel;
  app: JupyterFrontEnd;
  trans: TranslationBundle;
}

/** The worst state among the snapshots of a name. */
export function nameState(row: INameRow): ChipState {
  if (row.incomplete > 0) {
    return 'incomplete';
  }
  return row.complete > 0 || row.other === 0 ? 'complete' : 'imported';
}

/** See the module; what is opened and typed is forgotten with the course. */
export function NamesBody(props: INamesProps): JSX.Element {
  useModel(props.model);
  return <Names key={props.model.course?.code} {...props} />;
}

function Names({ model, app, trans }: INamesProps): JSX.Element {
  const now = useNow(model.api.clock);
  const opened = useOpened({
    get: name => model.snapshotsNamed(name),
    load: name => model.loadNamed(name),
    problemOf: name => model.problemOf({ name })
  });
  const { names, course, students } = model;
  const people = useMemo(
    () => new Map(students?.map(each => [each.username, displayName(each)])),
    [students]
  );

  if (!course || names === null) {
    return model.error ? (
      <Message title={trans.__('The snapshots could not be loaded.')} />
    ) : (
      <Message kind="busy" title={trans.__('Loading the snapshots…')} />
    );
  }
  if (names.snapshots.length === 0) {
    return (
      <Message
        title={trans.__('No snapshots yet')}
        text={trans.__(
          'A snapshot keeps every student’s files as they are at one moment, for example at a deadline.'
        )}
        actions={
          names.students > 0 && (
            <TextButton
              accent
              label={trans.__('Take Snapshot…')}
              onClick={() => void app.commands.execute(CommandIDs.take)}
            />
          )
        }
      />
    );
  }

  const rows: ITreeRow[] = [];
  names.snapshots.forEach((row, index) => {
    const taken = trans.__('%1 of %2 students', row.taken, Math.max(names.students, row.taken));
    rows.push({
      key: rowKey(row.name),
      level: 1,
      label: () =>
        trans.__(
          '%1, %2, %3, %4',
          row.name,
          taken,
          stateLabel(nameState(row), trans),
          age(row.endedAt, trans, now)
        ),
      expanded: opened.has(row.name),
      setSize: names.snapshots.length,
      positionInSet: index + 1,
      render: active => nameLine(row, taken, active)
    });
    if (opened.has(row.name)) {
      rows.push(...studentRows(row.name));
    }
  });

  return (
    <Tree
      rows={rows}
      label={trans.__('Snapshots of the class')}
      onToggle={(key, expand) => opened.toggle(parsed(key)[0], expand)}
      onActivate={onActivate}
      onMenu={onMenu}
    />
  );

  function nameLine(row: INameRow, taken: string, active: boolean): JSX.Element {
    const when = localTime(row.endedAt, course!.timeZone);
    const used = trans.__(
      'Taken %1. %2 in all; %3 of them really take up space, the rest is shared with earlier snapshots.',
      when,
      size(row.bytes),
      size(row.copiedBytes)
    );
    // The narrower the panel, the more of it is cut off at the end; the name has the day already.
    const share = trans.__('%1 of %2', row.taken, Math.max(names!.students, row.taken));
    const facts = [share, sizes(row), age(row.endedAt, trans, now)].filter(Boolean).join(' · ');
    return (
      <>
        <div className="jp-SnapshotsTree-main">
          <div className="jp-SnapshotsTree-line">
            <span className="jp-SnapshotsTree-title" title={row.name}>
              {row.name}
            </span>
            {row.pinned > 0 && (
              <pinIcon.react
                tag="span"
                title={trans._n(
                  '%1 is kept from deletion',
                  '%1 are kept from deletion',
                  row.pinned
                )}
              />
            )}
            <StateChip
              state={nameState(row)}
              trans={trans}
              tabbable={active}
              explanation={explainName(row)}
            />
          </div>
          <div className="jp-SnapshotsTree-line jp-mod-quiet">
            <span className="jp-SnapshotsTree-text" title={`${taken}. ${used}`}>
              {facts}
            </span>
          </div>
        </div>
        <div className="jp-SnapshotsTree-actions">
          <RowButton
            label={trans.__('Download %1 of the class…', row.name)}
            icon={<zipIcon.react tag="span" />}
            active={active}
            onClick={() => void app.commands.execute(CommandIDs.downloadClass, { name: row.name })}
          />
          <RowButton
            label={trans.__('More for %1', row.name)}
            icon={<ellipsesIcon.react tag="span" />}
            active={active}
            hasMenu
            onClick={event => openMenu(app.commands, nameMenu(row), ...below(event))}
          />
        </div>
      </>
    );
  }

  function sizes(row: INameRow): string {
    return row.copiedBytes === null || row.bytes === null
      ? size(row.bytes)
      : trans.__('%1, uses %2', size(row.bytes), size(row.copiedBytes));
  }

  function explainName(row: INameRow): string {
    return [
      row.complete && trans._n('%1 is complete.', '%1 are complete.', row.complete),
      row.incomplete &&
        trans._n(
          '%1 is incomplete: open the row to see whose.',
          '%1 are incomplete: open the row to see whose.',
          row.incomplete
        ),
      row.other &&
        trans._n(
          'Of %1 it is not known whether everything was copied.',
          'Of %1 it is not known whether everything was copied.',
          row.other
        )
    ]
      .filter(Boolean)
      .join(' ');
  }

  function nameMenu(row: INameRow): MenuEntry[] {
    const entries: MenuEntry[] = [{ command: CommandIDs.downloadClass, args: { name: row.name } }];
    if (row.batch !== null) {
      entries.push({ command: CommandIDs.showBatch, args: { batch: row.batch } });
    }
    return entries;
  }

  function studentRows(name: string): ITreeRow[] {
    const list = model.snapshotsNamed(name);
    if (!list?.length) {
      return [opened.note(name, trans.__('Nobody has a snapshot of this name any more.'), trans)];
    }
    const titled = list.map(each => ({ each, title: people.get(each.student) ?? each.student }));
    titled.sort((a, b) => byName(a.title, b.title));
    return titled.map(({ each, title }, index) => ({
      key: rowKey(name, each.student),
      level: 2,
      label: () => snapshotLabel(each, title, now, trans),
      setSize: list.length,
      positionInSet: index + 1,
      className:
        model.place?.student === each.student && model.place.snapshot === name
          ? 'jp-mod-selected'
          : '',
      render: active => (
        <SnapshotRow
          snapshot={each}
          course={course!.code}
          timeZone={course!.timeZone}
          title={title}
          active={active}
          now={now}
          commands={app.commands}
          trans={trans}
        />
      )
    }));
  }

  function onActivate(key: string): void {
    const [name, student] = parsed(key);
    if (student) {
      void app.commands.execute(CommandIDs.openSnapshot, {
        course: course!.code,
        student,
        snapshot: name,
        path: ''
      });
    } else {
      opened.load(name);
    }
  }

  function onMenu(key: string, x: number, y: number): void {
    const [name, student] = parsed(key);
    const row = names!.snapshots.find(each => each.name === name);
    const snapshot = model.snapshotsNamed(name)?.find(each => each.student === student);
    if (snapshot) {
      openMenu(app.commands, snapshotMenu(course!.code, snapshot), x, y);
    } else if (row && student === undefined) {
      openMenu(app.commands, nameMenu(row), x, y);
    }
  }
}
