import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { AssignmentsModel } from '../assignments';
import type { IAssignmentRow, IMove } from '../assignmentTokens';
import { AccommodationForm } from '../dialogs/accommodation';
import { AssignmentFields } from '../dialogs/assignment';
import { AssignmentForm, dateHint, inputOf, problemsOf } from '../dialogs/assignmentForm';
import { DeliverForm, deliveryText } from '../dialogs/deliver';
import { ExtensionForm } from '../dialogs/extensionForm';
import { clockNote } from '../dialogs/fields';
import { FormDialog } from '../dialogs/formDialog';
import { summary } from '../dialogs/moves';
import { movedInstant } from '../dialogs/preview';
import { captureText, lateText } from '../dialogs/whyOf';
import { SnapshotsModel } from '../model';
import { useModel } from '../panels/hooks';
import { assignment, overview } from './assignmentSamples';
import { FakeServer, INA, json, OK, settle, student, until } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const C = 'api/v1/instructors/ina/courses/math';
const ZONE = 'Europe/Berlin';
const DOCUMENT = { id: 4, filename: 'worksheet.ipynb' };
const TIMED = { tag: 'ViaPasswordExpiring' as const, contents: 90 };

let fake: FakeServer;
let model: SnapshotsModel;
let assignments: AssignmentsModel;
let current: { form: AssignmentForm } | null;

beforeEach(async () => {
  current = null;
  fake = new FakeServer()
    .on('GET status', OK)
    .on('GET api/v1/users/me', INA)
    .on(`GET ${C}/batches`, [])
    .on(`GET ${C}/overview/students`, [student('ada', { id: 7 }), student('bo', { id: 8 })])
    .on(`GET ${C}/overview/snapshots`, { students: 2, snapshots: [] })
    .on(`GET ${C}/overview/assignments`, overview(assignment(1), assignment(2)))
    .on('GET api/v1/instructors/ina/documents', [DOCUMENT])
    .on(`GET ${C}/students`, [
      { id: 7, userId: 70, username: 'ada' },
      { id: 8, userId: 80, username: 'bo' }
    ])
    .on(`GET ${C}/assignments/1/extensions`, [])
    .on(`POST ${C}/deadlines/preview`, { notes: [], moves: [] });
  model = new SnapshotsModel({ api: fake.api });
  assignments = new AssignmentsModel(model);
  model.visible = true;
  await model.connect();
  await until(() => assignments.overview !== null);
});

afterEach(() => {
  current?.form.dispose();
  assignments.dispose();
  model.dispose();
});

/** The form for an assignment; null for a new one. It is disposed of after the test. */
function opened(row: IAssignmentRow | null = null): { form: AssignmentForm } {
  current = { form: new AssignmentForm({ assignments, row, trans }) };
  return current;
}

describe('an assignment', () => {
  test('is made with what was given, its dates as the clocks of the course show them', async () => {
    fake.on(`POST ${C}/assignments`, 9);
    const { form } = opened();
    form.set({
      title: ' Homework ',
      document: 4,
      duedate: { day: '2026-12-01', time: '23:59' },
      visibleFrom: { day: '2026-11-25', time: '08:00' },
      access: 'timed',
      hidden: true,
      password: 'secret',
      minutes: '90',
      points: '10'
    });
    expect(await form.submit()).toBe(true);
    expect(fake.bodies).toContainEqual({
      title: 'Homework',
      document: 4,
      duedate: '2026-12-01',
      visibleFrom: '2026-11-25 08:00',
      availability: { tag: 'HiddenViaPasswordExpiring', contents: ['secret', 90] },
      pointValue: 10
    });
  });

  test('is not sent before it is complete', async () => {
    const { form } = opened();
    form.set({ duedate: { day: '', time: '10:00' }, points: '1.5', access: 'timed', minutes: '0' });
    expect(await form.submit()).toBe(false);
    expect(Object.keys(form.problems).sort()).toEqual([
      'document',
      'duedate',
      'minutes',
      'password',
      'points',
      'title'
    ]);
    expect(fake.count(`POST ${C}/assignments`)).toBe(0);
  });

  test('is changed in what has changed, and null clears', async () => {
    fake.on(`PATCH ${C}/assignments/1`, assignment(1));
    const row = assignment(1, { description: 'old', availability: TIMED, pointValue: 3 });
    const { form } = opened(row);
    form.set({ title: 'New', description: '', duedate: { day: '', time: '' }, points: '' });
    await until(() => !form.waiting);
    expect(await form.submit()).toBe(true);
    expect(fake.bodies.slice(-1)[0]).toEqual({
      title: 'New',
      description: null,
      duedate: null,
      pointValue: null
    });
  });

  test('nothing changed is nothing sent', async () => {
    expect(await opened(assignment(1)).form.submit()).toBe(true);
    expect(fake.requests.some(each => each.startsWith('PATCH'))).toBe(false);
  });

  test('a password that is not typed again stays', () => {
    const { form } = opened(assignment(1, { availability: TIMED }));
    form.set({ minutes: '60' });
    expect(form.fields).toEqual({ availability: { tag: 'ViaPasswordExpiring', contents: 60 } });
    form.set({ access: 'password' });
    expect(form.fields).toEqual({ availability: { tag: 'ViaPassword', contents: null } });
    form.set({ access: 'none' });
    expect(form.fields).toEqual({ availability: null });
  });

  test('a file is uploaded first, and once, however often it is tried', async () => {
    const documents = 'api/v1/instructors/ina/documents';
    fake
      .on(`POST ${documents}`, 12)
      .on(`PUT ${documents}/12/data`, json({ message: 'Full.' }, 507));
    const { form } = opened();
    const file = new File(['x'], 'sheet.txt');
    form.set({ title: 'Homework', upload: file, filename: 'sheet.txt' });
    expect(await form.submit()).toBe(false);
    expect(form.error).toBe('Full.');
    fake.on(`PUT ${documents}/12/data`, json('contents updated')).on(`POST ${C}/assignments`, 9);
    expect(await form.submit()).toBe(true);
    expect(fake.count(`POST ${documents}`)).toBe(1);
    expect(fake.bodies).toContainEqual({ title: 'Homework', document: 12 });
  });

  test('a document of the same name is replaced only when that is wanted', async () => {
    const { form } = opened();
    await until(() => form.documents !== null);
    const file = new File(['x'], 'worksheet.ipynb');
    form.set({ title: 'Homework', upload: file, filename: 'worksheet.ipynb' });
    expect(form.problems.filename).toMatch(/You have a document of this name/);
    fake
      .on('PUT api/v1/instructors/ina/documents/4/data', json('contents updated'))
      .on(`POST ${C}/assignments`, 9);
    form.set({ replace: true });
    expect(await form.submit()).toBe(true);
    expect(fake.bodies).toContainEqual({ title: 'Homework', document: 4 });
  });

  test('who moves is asked before it is saved, and saving waits for it', async () => {
    const { form } = opened(assignment(1));
    form.set({ title: 'Another' });
    expect(form.waiting).toBe(false); // That moves nobody.
    form.set({ duedate: { day: '2026-12-02', time: '12:00' } });
    expect(form.waiting).toBe(true);
    expect(await form.submit()).toBe(false);
    await until(() => !form.waiting);
    expect(fake.bodies).toEqual([{ assignment: { id: 1, duedate: '2026-12-02 12:00' } }]);
    expect(form.preview.found).toEqual({ notes: [], moves: [] });
    form.set({ duedate: { day: '2026-12-01', time: '23:59' } });
    expect(form.preview.found).toBeNull(); // As it is saved: nothing to ask.
  });

  test('a file name is one component', () => {
    const upload = new File(['x'], 'x');
    const wrong = (filename: string) =>
      problemsOf(
        { ...inputOf(null, ZONE), upload, filename },
        { row: null, sameName: false, trans }
      ).filename;
    expect(wrong('a/b')).toBeDefined();
    expect(wrong('..')).toBeDefined();
    expect(wrong(' ')).toBeDefined();
    expect(wrong('a.b')).toBeUndefined();
  });

  test('what is odd about dates is told', () => {
    const now = new Date('2026-11-22T12:00:00Z');
    const input = {
      ...inputOf(null, ZONE),
      duedate: { day: '2026-11-22', time: '12:59' },
      visibleFrom: { day: '2026-11-22', time: '14:00' },
      visibleTill: { day: '2026-11-22', time: '11:00' }
    };
    const hint = (name: 'duedate' | 'visibleFrom' | 'visibleTill') =>
      dateHint(name, input, ZONE, trans, now);
    expect(hint('duedate')).toBe('This date is over.');
    expect(hint('visibleFrom')).toMatch(/only after it was due/);
    expect(hint('visibleTill')).toMatch(/no effect/);
    expect(clockNote({ day: '2026-10-25', time: '02:30' }, ZONE, trans)).toMatch(
      /comes twice.*Sun 25 Oct 2026, 02:30 CET/
    );
    expect(clockNote({ day: '2026-03-29', time: '02:30' }, ZONE, trans)).toMatch(
      /does not exist.*Sun 29 Mar 2026, 03:30 CEST/
    );
  });

  test('the form shows what is missing once one has tried, and the time of a day by itself', async () => {
    const { form } = opened();
    const Shown = () => {
      useModel(form);
      return <AssignmentFields form={form} nameOf={name => name} trans={trans} />;
    };
    render(<Shown />);
    expect(screen.queryByText('The assignment needs a title.')).toBeNull();
    await act(() => form.submit());
    expect(screen.getByLabelText('Title')).toHaveAccessibleDescription(
      'The assignment needs a title.'
    );
    const user = userEvent.setup();
    await user.type(screen.getByLabelText('Due: day'), '2026-12-01');
    expect(screen.getByLabelText('Due: time')).toHaveValue('23:59');
    await user.type(screen.getByLabelText('Visible from: day'), '2026-12-01');
    expect(screen.getByLabelText('Visible from: time')).toHaveValue('00:00');
    await user.click(screen.getByLabelText('Due: remove the date'));
    expect(form.input.duedate).toEqual({ day: '', time: '' });
  });
});

describe('extensions', () => {
  test('are saved for each student, and what failed is tried again alone', async () => {
    fake
      .on(`POST ${C}/students/ada/extensions`, 1)
      .on(`POST ${C}/students/bo/extensions`, json({ message: 'Not now.' }, 503));
    const form = new ExtensionForm({ assignments, assignment: 1, students: ['ada', 'bo'], trans });
    await form.loaded;
    form.give('until', { day: '2026-12-05', time: '12:00' });
    await until(() => !form.waiting);
    expect(fake.bodies).toContainEqual({
      extension: { onAssignment: 1, students: [7, 8], until: '2026-12-05 12:00' }
    });
    expect(await form.submit()).toBe(false);
    expect(form.outcomes.get('ada')).toEqual({ state: 'saved' });
    expect(form.outcomes.get('bo')).toEqual({ state: 'failed', message: 'Not now.' });
    expect(form.error).toMatch(/^One student’s date could not be saved/);
    fake.on(`POST ${C}/students/bo/extensions`, 2);
    expect(await form.submit()).toBe(true);
    expect(fake.count(`POST ${C}/students/ada/extensions`)).toBe(1);
    expect(fake.count(`POST ${C}/students/bo/extensions`)).toBe(2);
  });

  test('that there are already are shown, and can be taken back', async () => {
    fake
      .on(`GET ${C}/assignments/1/extensions`, [
        { id: 3, onAssignment: 1, forUser: 70, until: '2026-12-03T22:59:59Z' },
        { id: 4, onAssignment: 1, forUser: 80, until: null }
      ])
      .on(`DELETE ${C}/students/ada/extensions/3`, 'deleted extension');
    const form = new ExtensionForm({ assignments, assignment: 1, students: ['ada'], trans });
    await form.loaded;
    expect(form.until).toEqual({ day: '2026-12-03', time: '23:59' });
    expect(form.noteOf('ada')).toBe('extended to Thu 3 Dec 2026, 23:59 CET');
    expect(form.noteOf('bo')).toBe('excused');
    form.give('removed');
    expect(await form.submit()).toBe(true);
    expect(fake.count(`DELETE ${C}/students/ada/extensions/3`)).toBe(1);
  });

  test('need an assignment, a student and a date', async () => {
    const form = new ExtensionForm({ assignments, students: [], trans });
    expect(await form.submit()).toBe(false);
    expect(Object.values(form.problems).every(Boolean)).toBe(true);
    form.give('excused');
    expect(form.problems.until).toBeNull();
  });
});

describe('an accommodation', () => {
  const before = { id: null, timeFactor: 1, timeExtraMinutes: 0, dateExtraHours: 0 };

  test('is sent in what has changed', async () => {
    fake.on(`PATCH ${C}/students/ada/accommodations`, before);
    const form = new AccommodationForm(assignments, 'ada', before, trans);
    form.set({ factor: '1.5', hours: '24' });
    await until(() => !form.waiting);
    expect(fake.bodies).toContainEqual({
      accommodation: { student: 7, timeFactor: 1.5, dateExtraHours: 24 }
    });
    expect(await form.submit()).toBe(true);
    expect(fake.bodies.slice(-1)[0]).toEqual({ timeFactor: 1.5, dateExtraHours: 24 });
  });

  test.each([
    [{ factor: '0' }, 'factor'],
    [{ factor: '' }, 'factor'],
    [{ minutes: '-1' }, 'minutes'],
    [{ hours: '1.5' }, 'hours']
  ])('%j is refused', async (input, field) => {
    const form = new AccommodationForm(assignments, 'ada', before, trans);
    form.set(input);
    expect(await form.submit()).toBe(false);
    expect(form.problems[field as 'factor']).not.toBeNull();
    expect(fake.bodies).toEqual([]);
  });
});

test('a document is put into homes, and what failed is chosen for the next try', async () => {
  const delivery = { kind: 'document', renamed: false, path: 'ps/x', dueAt: null, at: null };
  fake.on(`GET ${C}/assignments/1/deliveries`, []).on(`POST ${C}/assignments/1/deliveries`, [
    { ...delivery, id: 1, student: 'ada', state: 'delivered', error: null },
    { ...delivery, id: 2, student: 'bo', state: 'failed', error: 'There is no home.' }
  ]);
  const form = new DeliverForm(assignments, assignment(1));
  expect(await form.submit()).toBe(false); // What became of it is to be read.
  expect(form.error).toBeNull();
  expect([...(form.chosen ?? [])]).toEqual(['bo']);
  expect(form.results?.map(each => deliveryText(each, ZONE, trans))).toEqual([
    'ps/x',
    'There is no home.'
  ]);
});

test('a dialog stays until its form was saved', async () => {
  fake.on(`POST ${C}/assignments`, json({ message: 'The title is taken.' }, 409));
  const { form } = opened();
  form.set({ title: 'Homework', document: 4 });
  const dialog = new FormDialog({
    title: 'New',
    form,
    render: () => <AssignmentFields form={form} nameOf={name => name} trans={trans} />,
    accept: 'Create',
    trans
  });
  const closed = jest.fn();
  void dialog.launch().then(closed);
  const create = () =>
    act(async () => {
      fireEvent.click(screen.getByText('Create'));
      await settle();
    });
  await act(() => dialog.ready);
  await create();
  expect(screen.getByText('The title is taken.')).toHaveAttribute('role', 'alert');
  expect(closed).not.toHaveBeenCalled();
  fake.on(`POST ${C}/assignments`, 9);
  await create();
  expect(closed).toHaveBeenCalledTimes(1);
  expect(dialog.isSaved).toBe(true);
});

describe('words', () => {
  const move = (more: Partial<IMove>): IMove => ({
    assignment: 1,
    student: 'ada',
    before: { due: 'a', closes: 'a', ends: null },
    after: { due: 'a', closes: 'a', ends: null },
    effect: 'moves',
    text: '',
    ...more
  });

  test('which instant a move is about', () => {
    expect(movedInstant(move({}))).toBeNull();
    expect(movedInstant(move({ after: { due: 'a', closes: 'b', ends: null } }))).toBe('closes');
    expect(movedInstant(move({ after: { due: 'b', closes: 'b', ends: null } }))).toBe('due');
  });

  test('who moves, in short', () => {
    expect(summary([], trans)).toBe('');
    expect(
      summary(
        [
          move({}),
          move({ student: 'bo', effect: 'captured_now' }),
          move({ student: 'cy', effect: 'captured_again' })
        ],
        trans
      )
    ).toBe(
      '3 students get another date. 1 is captured as soon as you save. ' +
        '1 was captured already: that stays, and is done once more at the new date.'
    );
  });

  test.each([
    [0, 'done'],
    [1, 'done, 1 second late'],
    [80, 'done, 80 seconds late'],
    [150, 'done, 3 minutes late'],
    [7200, 'done, 2 hours late'],
    [200_000, 'done, 2 days late']
  ])('%i seconds after its instant: %s', (lateSeconds, text) => {
    const capture = { kind: 'deadline' as const, at: '', snapshot: null, lateSeconds };
    expect(captureText({ ...capture, state: 'done' }, trans)).toBe(text);
    expect(text).toContain(lateSeconds ? lateText(lateSeconds, trans) : 'done');
  });
});
