/** The students of the course, each with the snapshots that are asked for when it is opened. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, InputGroup } from '@jupyterlab/ui-components';
import React, { useMemo, useState } from 'react';
import type { SnapshotsModel } from '../../model';
import { CommandIDs } from '../../tokens';
import type { IStudentRow } from '../../tokens';
import { useModel, useNow } from '../hooks';
import { openMenu } from '../menu';
import { parsed, rowKey, useOpened } from '../opened';
import { snapshotLabel, snapshotMenu, SnapshotRow } from '../snapshotRow';
import { Message, TextButton } from '../state';
import { Tree } from '../tree';
import type { ITreeRow } from '../tree';
import { inOrder, matching, studentLabel, StudentLine, studentMenu } from './rows';
import type { StudentOrder } from './rows';

export interface IStudentsProps {
  model: SnapshotsModel;
  app: JupyterFrontEnd;
  trans: TranslationBundle;
  /** Takes files that were dropped on a student. */
  onDropFiles?: (student: string, dropped: DataTransfer) => void;
}

/** See the module; what is opened and typed is forgotten with the course. */
export function StudentsBody(props: IStudentsProps): JSX.Element {
  useModel(props.model);
  return <Students key={props.model.course?.code} {...props} />;
}

function Students({ model, app, trans, onDropFiles }: IStudentsProps): JSX.Element {
  const now = useNow(model.api.clock);
  const [query, setQuery] = useState('');
  const [order, setOrder] = useState<StudentOrder>('name');
  const opened = useOpened({
    get: student => model.snapshotsOf(student),
    load: student => model.loadSnapshots(student),
    problemOf: student => model.problemOf({ student })
  });
  const { students, course } = model;
  // Sorting takes longer than finding, and is not done again with each letter.
  const sorted = useMemo(() => inOrder(students ?? [], order), [students, order]);
  const arranged = useMemo(() => matching(sorted, query), [sorted, query]);

  if (!course || students === null) {
    return model.error ? (
      <Message title={trans.__('The students could not be loaded.')} />
    ) : (
      <Message kind="busy" title={trans.__('Loading the students…')} />
    );
  }
  if (students.length === 0) {
    return (
      <Message
        title={trans.__('No students in this course yet')}
        text={trans.__(
          'Students appear here as soon as they are in the course’s group on the hub or in its roster. The administrator of the hub, or your course system, adds them.'
        )}
        actions={<TextButton label={trans.__('Try Again')} onClick={() => void model.refresh()} />}
      />
    );
  }

  const rows = makeRows(arranged);

  return (
    <>
      <div className="jp-SnapshotsStudents-filter">
        <InputGroup
          type="search"
          value={query}
          onChange={event => setQuery(event.target.value)}
          placeholder={trans.__('Filter students')}
          aria-label={trans.__('Filter students by name, username or Canvas id')}
          rightIcon="ui-components:search"
        />
        <HTMLSelect
          value={order}
          onChange={event => setOrder(event.target.value as StudentOrder)}
          aria-label={trans.__('Sort students')}
          title={trans.__('Sort students')}
          options={[
            { value: 'name', label: trans.__('Name') },
            { value: 'newest', label: trans.__('Newest') },
            { value: 'state', label: trans.__('State') }
          ]}
        />
      </div>
      <span className="jp-SnapshotsHidden" role="status">
        {query && trans._n('%1 student found', '%1 students found', arranged.length)}
      </span>
      {arranged.length ? (
        <Tree
          rows={rows}
          label={trans.__('Students')}
          onToggle={(key, expand) => opened.toggle(parsed(key)[0], expand)}
          onActivate={key => onActivate(key)}
          onMenu={(key, x, y) => onMenu(key, x, y)}
          onDropFiles={
            onDropFiles && model.isInstructor
              ? (key, dropped) => onDropFiles(parsed(key)[0], dropped)
              : undefined
          }
        />
      ) : (
        <Message
          title={trans.__('No student matches “%1”', query)}
          actions={
            <TextButton label={trans.__('Show all students')} onClick={() => setQuery('')} />
          }
        />
      )}
    </>
  );

  function makeRows(shown: IStudentRow[]): ITreeRow[] {
    const made: ITreeRow[] = [];
    shown.forEach((student, index) => {
      const { username } = student;
      made.push({
        key: rowKey(username),
        level: 1,
        label: () => studentLabel(student, now, trans),
        expanded: opened.has(username),
        setSize: shown.length,
        positionInSet: index + 1,
        className: student.active ? '' : 'jp-mod-left',
        render: active => (
          <StudentLine
            student={student}
            timeZone={course!.timeZone}
            now={now}
            active={active}
            commands={app.commands}
            trans={trans}
          />
        )
      });
      if (opened.has(username)) {
        made.push(...snapshotRows(username));
      }
    });
    return made;
  }

  function snapshotRows(student: string): ITreeRow[] {
    const list = model.snapshotsOf(student);
    if (!list?.length) {
      return [opened.note(student, trans.__('No snapshots of this student yet.'), trans)];
    }
    return list.map((snapshot, index) => ({
      key: rowKey(student, snapshot.name),
      level: 2,
      label: () => snapshotLabel(snapshot, snapshot.name, now, trans),
      setSize: list.length,
      positionInSet: index + 1,
      className: isShown(student, snapshot.name) ? 'jp-mod-selected' : '',
      render: active => (
        <SnapshotRow
          snapshot={snapshot}
          course={course!.code}
          timeZone={course!.timeZone}
          title={snapshot.name}
          active={active}
          now={now}
          commands={app.commands}
          trans={trans}
        />
      )
    }));
  }

  function isShown(student: string, name: string): boolean {
    return model.place?.student === student && model.place.snapshot === name;
  }

  function onActivate(key: string): void {
    const [student, name] = parsed(key);
    if (name) {
      void app.commands.execute(CommandIDs.openSnapshot, {
        course: course!.code,
        student,
        snapshot: name,
        path: ''
      });
    } else {
      opened.load(student);
    }
  }

  function onMenu(key: string, x: number, y: number): void {
    const [student, name] = parsed(key);
    const snapshot = model.snapshotsOf(student)?.find(each => each.name === name);
    const row = students?.find(each => each.username === student);
    const entries = snapshot
      ? snapshotMenu(course!.code, snapshot)
      : row && !name
        ? studentMenu(row)
        : [];
    if (entries.length) {
      openMenu(app.commands, entries, x, y);
    }
  }
}
