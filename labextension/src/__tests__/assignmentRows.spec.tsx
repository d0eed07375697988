import '@testing-library/jest-dom';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { addAssignmentCommands } from '../assignmentCommands';
import { AssignmentsModel } from '../assignments';
import { SnapshotsModel } from '../model';
import { AssignmentsBody } from '../panels/assignments/body';
import {
  assignmentLabel,
  assignmentState,
  collected,
  countsText,
  otherDates
} from '../panels/assignments/rows';
import { CommandIDs } from '../tokens';
import { assignment, counts, overview } from './assignmentSamples';
import { FakeServer, INA, OK, snapshot, student, until } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const ZONE = 'Europe/Berlin';
const C = 'api/v1/instructors/ina/courses/math';

describe('words of a row', () => {
  test('state', () => {
    const word = (state: Parameters<typeof assignment>[1]) =>
      assignmentState(assignment(1, state), 3, trans);
    expect(word({ state: 'upcoming' })).toBe('upcoming');
    expect(word({ state: 'undated' })).toBe('undated');
    const row = {
      state: 'collected' as const,
      counts: counts({ captured: 1, late: 1, missing: 1 })
    };
    expect(word(row)).toBe('2 of 3 collected');
  });

  test('counts leave out who is excused, and what is nobody’s', () => {
    const row = assignment(1, { counts: counts({ captured: 2, late: 1, failed: 1, excused: 4 }) });
    expect(collected(row, 8)).toEqual([3, 4]);
    expect(countsText(row, 8, trans)).toBe('3 of 4 captured, 1 of them late, 1 failed, 4 excused.');
    expect(collected(assignment(1, { counts: counts() }), 8)).toEqual([0, 8]);
  });

  test('other dates', () => {
    expect(otherDates(assignment(1), ZONE, trans)).toBeNull();
    const later = { lastInstant: '2026-12-03T11:00:00Z' };
    expect(otherDates(assignment(1, later), ZONE, trans)?.label).toBe('several dates');
    const extended = assignment(1, { ...later, counts: counts({ open: 3, extended: 2 }) });
    expect(otherDates(extended, ZONE, trans)).toEqual({
      label: '+2 extended',
      text:
        '2 students have an extension. The first date is Tue 1 Dec 2026, 23:59 CET, ' +
        'the last one Thu 3 Dec 2026, 12:00 CET.'
    });
    expect(assignmentLabel(extended, 3, ZONE, trans)).toBe(
      'Problem set 1, open, due Tue 1 Dec 2026, 23:59 CET, +2 extended'
    );
  });
});

describe('the section', () => {
  let fake: FakeServer;
  let model: SnapshotsModel;
  let assignments: AssignmentsModel;
  let app: JupyterFrontEnd;

  async function open(role: 'instructor' | 'assistant', found: unknown): Promise<void> {
    fake = new FakeServer()
      .on('GET status', OK)
      .on('GET api/v1/users/me', { ...INA, courses: [{ ...INA.courses[0], role }] })
      .on(`GET ${C}/batches`, [])
      .on(`GET ${C}/overview/students`, [student('ada', { firstName: 'Ada', lastName: 'L' })])
      .on(`GET ${C}/overview/snapshots`, { students: 1, snapshots: [] })
      .on(`GET ${C}/overview/assignments`, found);
    model = new SnapshotsModel({ api: fake.api });
    assignments = new AssignmentsModel(model);
    app = { commands: new CommandRegistry() } as JupyterFrontEnd;
    addAssignmentCommands(app, {
      model,
      assignments,
      reveal: () => undefined,
      palette: null,
      trans
    });
    model.visible = true;
    await model.connect();
    await until(() => assignments.overview !== null || assignments.error !== null);
    render(<AssignmentsBody model={model} assignments={assignments} app={app} trans={trans} />);
  }

  afterEach(() => {
    assignments.dispose();
    model.dispose();
  });

  test('says what to do when there is nothing', async () => {
    await open('instructor', overview());
    expect(screen.getByRole('button', { name: 'New Assignment…' })).toBeInTheDocument();
  });

  test('says what is wrong, and tries again', async () => {
    await open('instructor', undefined);
    expect(screen.getByRole('alert')).toHaveTextContent('could not be loaded');
    fake.on(`GET ${C}/overview/assignments`, overview(assignment(1)));
    fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
    expect(await screen.findByText('Problem set 1')).toBeInTheDocument();
  });

  test('shows what was captured, by a click and by the command', async () => {
    await open('instructor', overview(assignment(1)));
    fake.on(`GET ${C}/snapshots?assignment=1`, [
      { ...snapshot('ada', 'ps_2026-12-01'), kind: 'deadline', lateFiles: 2 },
      { ...snapshot('ada', 'ps-late_2026-12-04'), kind: 'late', lateFiles: 0 }
    ]);
    await act(async () => {
      await app.commands.execute(CommandIDs.showCaptured, { assignment: 1 });
    });
    expect(await screen.findByText('Ada L, 2 files changed after the deadline')).toBeVisible();
    expect(screen.getByText('Ada L, late work')).toBeVisible();
    fireEvent.click(screen.getByText('Problem set 1'));
    expect(screen.queryByText('Ada L, late work')).toBeNull();
  });

  test('an assistant sees everything and changes nothing', async () => {
    await open('assistant', overview());
    expect(screen.queryByRole('button')).toBeNull();
    const { commands } = app;
    const isVisible = (id: string) => commands.isVisible(id, { assignment: 1, student: 'ada' });
    expect(
      [CommandIDs.whyDeadline, CommandIDs.openGrid, CommandIDs.downloadCaptured].every(isVisible)
    ).toBe(true);
    expect(
      [
        CommandIDs.newAssignment,
        CommandIDs.editAssignment,
        CommandIDs.deleteAssignment,
        CommandIDs.grantExtension,
        CommandIDs.accommodate,
        CommandIDs.deliverDocument
      ].some(isVisible)
    ).toBe(false);
  });
});
