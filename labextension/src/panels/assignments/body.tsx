/** The assignments of the course; opened, each shows what was captured for it. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useMemo, useRef } from 'react';
import type { AssignmentsModel } from '../../assignments';
import type { IAssignmentRow, IAssignmentSnapshot } from '../../assignmentTokens';
import { byName, displayName } from '../../format';
import type { SnapshotsModel } from '../../model';
import { CommandIDs } from '../../tokens';
import { useModel, useNow } from '../hooks';
import { openMenu } from '../menu';
import { parsed, rowKey, useOpened } from '../opened';
import { snapshotLabel, snapshotMenu, SnapshotRow } from '../snapshotRow';
import { Message, TextButton } from '../state';
import { Tree } from '../tree';
import type { ITreeRow } from '../tree';
import { assignmentLabel, AssignmentLine, assignmentMenu } from './rows';

export interface IAssignmentsProps {
  model: SnapshotsModel;
  assignments: AssignmentsModel;
  app: JupyterFrontEnd;
  trans: TranslationBundle;
}

/** See the module; what is opened is forgotten with the course. */
export function AssignmentsBody(props: IAssignmentsProps): JSX.Element {
  useModel(props.model);
  return <Assignments key={props.model.course?.code} {...props} />;
}

function Assignments({ model, assignments, app, trans }: IAssignmentsProps): JSX.Element {
  useModel(assignments);
  const now = useNow(model.api.clock);
  const opened = useOpened({
    get: id => assignments.captured(Number(id)),
    load: id => assignments.loadCaptured(Number(id)),
    problemOf: id => assignments.capturedProblem(Number(id))
  });
  const toggle = useRef(opened.toggle);
  useEffect(() => {
    toggle.current = opened.toggle;
  });
  useEffect(() => {
    const onAsked = (_: unknown, id: number) => toggle.current(String(id), true);
    assignments.capturedAsked.connect(onAsked);
    return () => {
      assignments.capturedAsked.disconnect(onAsked);
    };
  }, [assignments]);
  const { overview, timeZone } = assignments;
  const { course, students } = model;
  const people = useMemo(
    () => new Map(students?.map(each => [each.username, displayName(each)])),
    [students]
  );
  const again = (
    <TextButton
      label={trans.__('Try Again')}
      disabled={assignments.loading}
      onClick={() => void assignments.refresh()}
    />
  );

  if (!course || overview === null) {
    return assignments.error ? (
      <Message
        kind="error"
        title={trans.__('The assignments could not be loaded.')}
        text={assignments.error.message}
        actions={again}
      />
    ) : (
      <Message kind="busy" title={trans.__('Loading the assignments…')} />
    );
  }
  if (overview.assignments.length === 0) {
    return (
      <Message
        title={trans.__('No assignments yet')}
        text={
          model.isInstructor
            ? trans.__(
                'An assignment hands out a file, and captures every student’s files at the due date by itself.'
              )
            : trans.__('An instructor of the course can make one.')
        }
        actions={
          model.isInstructor && (
            <TextButton
              accent
              label={trans.__('New Assignment…')}
              onClick={() => void app.commands.execute(CommandIDs.newAssignment)}
            />
          )
        }
      />
    );
  }

  const rows: ITreeRow[] = [];
  overview.assignments.forEach((row, index) => {
    const id = String(row.id);
    rows.push({
      key: rowKey(id),
      level: 1,
      label: () => assignmentLabel(row, overview.students, timeZone, trans),
      expanded: opened.has(id),
      setSize: overview.assignments.length,
      positionInSet: index + 1,
      render: active => (
        <AssignmentLine
          row={row}
          students={overview.students}
          timeZone={timeZone}
          now={now}
          active={active}
          commands={app.commands}
          trans={trans}
        />
      )
    });
    if (opened.has(id)) {
      rows.push(...capturedRows(row));
    }
  });

  return (
    <>
      {assignments.error && (
        <div className="jp-SnapshotsNotices-error" role="alert">
          <span>{assignments.error.message}</span>
          {again}
        </div>
      )}
      <Tree
        rows={rows}
        label={trans.__('Assignments')}
        onToggle={(key, expand) => opened.toggle(parsed(key)[0], expand)}
        onActivate={onActivate}
        onMenu={onMenu}
      />
    </>
  );

  function capturedRows(row: IAssignmentRow): ITreeRow[] {
    const list = assignments.captured(row.id);
    if (!list?.length) {
      const nothing =
        row.state === 'upcoming' || row.state === 'open'
          ? trans.__('Nothing was captured yet; that happens at each student’s deadline.')
          : trans.__('Nothing was captured.');
      return [opened.note(String(row.id), nothing, trans)];
    }
    const titled = list.map(each => ({ each, title: titleOf(each) }));
    titled.sort((a, b) => byName(a.title, b.title));
    return titled.map(({ each, title }, index) => ({
      key: rowKey(String(row.id), JSON.stringify([each.student, each.name])),
      level: 2,
      label: () => snapshotLabel(each, title, now, trans),
      setSize: list.length,
      positionInSet: index + 1,
      className:
        model.place?.student === each.student && model.place.snapshot === each.name
          ? 'jp-mod-selected'
          : '',
      render: active => (
        <SnapshotRow
          snapshot={each}
          course={course!.code}
          timeZone={timeZone}
          title={title}
          active={active}
          now={now}
          commands={app.commands}
          trans={trans}
        />
      )
    }));
  }

  /** Whose it is, and what is special about it. */
  function titleOf(snapshot: IAssignmentSnapshot): string {
    const name = people.get(snapshot.student) ?? snapshot.student;
    if (snapshot.kind === 'late') {
      return trans.__('%1, late work', name);
    }
    return snapshot.lateFiles
      ? trans._n(
          '%2, %1 file changed after the deadline',
          '%2, %1 files changed after the deadline',
          snapshot.lateFiles,
          name
        )
      : name;
  }

  function onActivate(key: string): void {
    const snapshot = snapshotOf(key);
    if (snapshot) {
      void app.commands.execute(CommandIDs.openSnapshot, {
        course: course!.code,
        student: snapshot.student,
        snapshot: snapshot.name,
        path: ''
      });
    } else {
      opened.load(parsed(key)[0]);
    }
  }

  function onMenu(key: string, x: number, y: number): void {
    const [id, child] = parsed(key);
    const row = assignments.find(Number(id));
    const snapshot = snapshotOf(key);
    if (snapshot) {
      openMenu(app.commands, snapshotMenu(course!.code, snapshot), x, y);
    } else if (row && child === undefined) {
      openMenu(app.commands, assignmentMenu(row), x, y);
    }
  }

  function snapshotOf(key: string): IAssignmentSnapshot | undefined {
    const [id, child] = parsed(key);
    if (!child) {
      return undefined;
    }
    const [student, name] = JSON.parse(child) as [string, string];
    return assignments
      .captured(Number(id))
      ?.find(each => each.student === student && each.name === name);
  }
}
