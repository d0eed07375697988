/** What stands in the grid's widget: filters, signs, and the cells. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import React, { useMemo, useState } from 'react';
import type { AssignmentsModel } from '../assignments';
import type { CellState } from '../assignmentTokens';
import type { SnapshotsModel } from '../model';
import { useModel } from '../panels/hooks';
import { openMenu } from '../panels/menu';
import type { MenuEntry } from '../panels/menu';
import { assignmentMenu } from '../panels/assignments/rows';
import { Message, TextButton } from '../panels/state';
import { studentMenu } from '../panels/students/rows';
import { CommandIDs } from '../tokens';
import { Cells } from './cells';
import type { IColumn } from './cells';
import { columnCounts, filtered, rowsOf } from './rows';
import type { IGridFilter, IGridRow } from './rows';
import { cellLabel, Legend, STATES } from './states';

export interface IGridBodyProps {
  model: SnapshotsModel;
  assignments: AssignmentsModel;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** See the module; what was filtered is forgotten with the course. */
export function GridBody(props: IGridBodyProps): JSX.Element {
  useModel(props.model);
  return <Grid key={props.model.course?.code} {...props} />;
}

function Grid({ model, assignments, commands, trans }: IGridBodyProps): JSX.Element {
  useModel(assignments);
  const [filter, setFilter] = useState<IGridFilter>({ query: '', state: null });
  const { grid, gridError, overview, timeZone } = assignments;
  const { course } = model;
  const all = useMemo(() => (grid ? rowsOf(grid) : []), [grid]);
  const rows = useMemo(() => filtered(all, filter), [all, filter]);
  const columns = useMemo<IColumn[]>(
    () =>
      (grid?.assignments ?? []).map((id, at) => ({
        id,
        row: overview?.assignments.find(each => each.id === id) ?? null,
        counts: columnCounts(all, at)
      })),
    [grid, overview, all]
  );
  const again = (
    <TextButton
      label={trans.__('Try Again')}
      disabled={assignments.loading}
      onClick={() => void assignments.refresh()}
    />
  );

  if (!model.seesClass || !course) {
    return (
      <Message
        title={trans.__('Nothing to show here')}
        text={trans.__('Choose a course in the panel in which you see the class.')}
      />
    );
  }
  if (!grid) {
    return gridError ? (
      <Message
        kind="error"
        title={trans.__('The grid could not be loaded.')}
        text={gridError.message}
        actions={again}
      />
    ) : (
      <Message kind="busy" title={trans.__('Loading the grid…')} />
    );
  }
  const isEmpty = !columns.length || !all.length;
  return (
    <>
      <div className="jp-SnapshotsGrid-head">
        <h2 className="jp-SnapshotsComparison-title">{course.title}</h2>
        <div className="jp-SnapshotsGrid-filter">
          <input
            type="search"
            className="jp-mod-styled"
            placeholder={trans.__('Filter students')}
            aria-label={trans.__('Filter students')}
            value={filter.query}
            onChange={event => setFilter({ ...filter, query: event.target.value })}
          />
          <select
            className="jp-mod-styled"
            aria-label={trans.__('Filter by state')}
            value={filter.state ?? ''}
            onChange={event =>
              setFilter({ ...filter, state: (event.target.value || null) as CellState | null })
            }
          >
            <option value="">{trans.__('All states')}</option>
            {STATES.map(state => (
              <option key={state} value={state}>
                {trans.__('Only %1', cellLabel(state, trans))}
              </option>
            ))}
          </select>
          <span role="status" className="jp-SnapshotsGrid-shown">
            {rows.length === all.length
              ? trans._n('%1 student', '%1 students', all.length)
              : trans.__('%1 of %2 students', rows.length, all.length)}
          </span>
          <TextButton
            label={trans.__('Refresh')}
            disabled={assignments.loading}
            onClick={() => void assignments.refresh()}
          />
        </div>
        <Legend trans={trans} />
        {gridError && (
          <div className="jp-SnapshotsNotices-error" role="alert">
            <span>{gridError.message}</span>
            {again}
          </div>
        )}
      </div>
      {isEmpty ? (
        <Message
          title={
            columns.length
              ? trans.__('No students in this course yet')
              : trans.__('No assignments yet')
          }
          actions={
            !columns.length &&
            model.isInstructor && (
              <TextButton
                accent
                label={trans.__('New Assignment…')}
                onClick={() => void commands.execute(CommandIDs.newAssignment)}
              />
            )
          }
        />
      ) : rows.length ? (
        <Cells
          rows={rows}
          columns={columns}
          timeZone={timeZone}
          label={trans.__('Students and assignments')}
          shade={filter.state}
          onMenu={onMenu}
          trans={trans}
        />
      ) : (
        <Message
          title={trans.__('No student matches')}
          actions={
            <TextButton
              label={trans.__('Show all students')}
              onClick={() => setFilter({ query: '', state: null })}
            />
          }
        />
      )}
    </>
  );

  function onMenu(row: IGridRow | null, at: number | null, x: number, y: number): void {
    const entries = menuOf(row, at === null ? null : columns[at], at);
    if (entries.length) {
      openMenu(commands, entries, x, y);
    }
  }

  /** Of a cell, of a student, of an assignment. */
  function menuOf(row: IGridRow | null, column: IColumn | null, at: number | null): MenuEntry[] {
    if (!row) {
      return column?.row ? assignmentMenu(column.row) : [];
    }
    const { username } = row.student;
    if (!column || at === null) {
      const student = model.students?.find(each => each.username === username);
      return student ? studentMenu(student) : [];
    }
    const snapshot = row.cells[at]?.snapshot ?? null;
    return cellMenu(course!.code, username, column.id, snapshot, row.student.active);
  }
}

/** What can be done where a student and an assignment meet; of who has left, with the snapshot. */
export function cellMenu(
  course: string,
  student: string,
  assignment: number,
  snapshot: string | null,
  isActive = true
): MenuEntry[] {
  const place = { course, student, snapshot: snapshot ?? '', path: '' };
  const ofSnapshot: MenuEntry[] = [
    { command: CommandIDs.openSnapshot, args: place },
    { command: CommandIDs.downloadSnapshot, args: place },
    { command: CommandIDs.showDetails, args: place }
  ];
  if (!isActive) {
    return snapshot ? ofSnapshot : [];
  }
  return [
    ...(snapshot ? [...ofSnapshot, null] : []),
    { command: CommandIDs.grantExtension, args: { assignment, students: [student] } },
    { command: CommandIDs.accommodate, args: { student } },
    { command: CommandIDs.whyDeadline, args: { assignment, student } }
  ];
}
