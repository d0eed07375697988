import '@testing-library/jest-dom';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { Batches } from '../batch';
import { trouble } from '../handshake';
import { SnapshotsModel } from '../model';
import { NamesBody, nameState } from '../panels/snapshots/body';
import { StateChip } from '../panels/state';
import { StudentsBody } from '../panels/students/body';
import { inOrder, matching, studentState } from '../panels/students/rows';
import { Tree } from '../panels/tree';
import type { ITreeRow } from '../panels/tree';
import { BatchStatus } from '../status';
import { CommandIDs } from '../tokens';
import {
  batch,
  EventStream,
  FakeServer,
  INA,
  item,
  nameRow,
  OK,
  snapshot,
  student
} from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const MATH = 'api/v1/instructors/ina/courses/math';
const NEWEST = {
  name: 'week-1_2026-11-01',
  state: 'complete' as const,
  beganAt: '2026-11-01T10:00:00Z',
  endedAt: '2026-11-01T10:00:05Z',
  problemCount: 0,
  bytes: 10,
  changedFiles: 0
};
const FAILURE = { at: null, code: 'home_missing', message: 'There is no home.', batch: 1 };
const ADA = student('ada', { firstName: 'Ada', lastName: 'Lovelace', newest: NEWEST });
const BO = student('bo', {
  firstName: 'Bo',
  lastName: 'Chen',
  lastFailure: FAILURE,
  active: false
});
const CY = student('cy', { firstName: 'Cy', lastName: 'Aziz' });

describe('students', () => {
  test('the chip tells the failure before the newest snapshot', () => {
    expect([ADA, BO, CY].map(studentState)).toEqual(['complete', 'failed', 'none']);
  });

  test('order', () => {
    const names = (order: 'name' | 'newest' | 'state') =>
      inOrder([ADA, BO, CY], order)
        .map(each => each.username)
        .join(' ');
    expect(names('name')).toBe('cy bo ada');
    expect(names('newest')).toBe('ada cy bo');
    expect(names('state')).toBe('bo cy ada');
  });

  test.each([
    ['', 'ada bo cy'],
    ['LOVE ad', 'ada'],
    ['ch', 'bo'],
    ['(', '']
  ])('%j finds %j', (query, found) => {
    expect(
      matching([ADA, BO, CY], query)
        .map(each => each.username)
        .join(' ')
    ).toBe(found);
  });
});

describe('a tree', () => {
  const rows = (size: number): ITreeRow[] =>
    Array.from({ length: size }, (_, index) => ({
      key: String(index),
      level: 1,
      label: () => `row ${index}`,
      expanded: index === 1 ? false : undefined,
      setSize: size,
      positionInSet: index + 1,
      render: active => <button tabIndex={active ? 0 : -1}>{`use ${index}`}</button>
    }));

  test('of 500 rows only some are in the page', () => {
    render(<Tree rows={rows(500)} label="All" />);
    const drawn = screen.getAllByRole('treeitem');
    expect(drawn.length).toBeLessThan(30);
    expect(drawn[0]).toHaveAttribute('aria-setsize', '500');
    expect(drawn.filter(each => each.tabIndex === 0)).toHaveLength(1);
  });

  test('is walked through with the keyboard', async () => {
    const onToggle = jest.fn();
    const onActivate = jest.fn();
    render(<Tree rows={rows(500)} label="All" onToggle={onToggle} onActivate={onActivate} />);
    const user = userEvent.setup();
    await user.tab();
    expect(screen.getByLabelText('row 0')).toHaveFocus();
    await user.keyboard('{Enter}');
    expect(onActivate).toHaveBeenLastCalledWith('0');
    await user.keyboard('{ArrowDown}');
    expect(screen.getByLabelText('row 1')).toHaveFocus();
    await user.keyboard('{ArrowRight}');
    expect(onToggle).toHaveBeenLastCalledWith('1', true);
    await user.keyboard('{End}');
    expect(screen.getByLabelText('row 499')).toHaveFocus();
    await user.keyboard('{Home}');
    expect(screen.getByLabelText('row 0')).toHaveFocus();
    await user.tab();
    expect(screen.getByText('use 0')).toHaveFocus();
    await user.keyboard('{Enter}');
    expect(onActivate).toHaveBeenCalledTimes(1);
  });

  test('takes files that are dropped on a row', () => {
    const onDropFiles = jest.fn();
    render(<Tree rows={rows(3)} label="All" onDropFiles={onDropFiles} />);
    const file = new File(['x'], 'x.html');
    const row = screen.getByLabelText('row 2');
    // Its own DragEvent carries no files here.
    const drop = new Event('drop', { bubbles: true, cancelable: true });
    const dropped = { files: [file], types: ['Files'] };
    Object.defineProperty(drop, 'dataTransfer', { value: dropped });
    fireEvent(row, drop);
    expect(onDropFiles).toHaveBeenCalledWith('2', dropped);
  });
});

test('a chip explains itself on focus and on hover', async () => {
  render(<StateChip state="incomplete" problemCount={3} trans={trans} />);
  const user = userEvent.setup();
  await user.tab();
  expect(screen.getByRole('tooltip')).toHaveTextContent('3 files are missing');
  await user.keyboard('{Escape}');
  expect(screen.queryByRole('tooltip')).toBeNull();
  await user.hover(screen.getByText('incomplete'));
  expect(screen.getByRole('tooltip')).toBeInTheDocument();
});

test('an explanation is above what has no room below', () => {
  render(<StateChip state="incomplete" trans={trans} />);
  const chip = screen.getByText('incomplete');
  const at = (top: number) => {
    chip.getBoundingClientRect = () => ({ left: 10, top, bottom: top + 16 }) as DOMRect;
    fireEvent.mouseEnter(chip);
    const { style } = screen.getByRole('tooltip');
    const place = [style.top, style.bottom];
    fireEvent.mouseLeave(chip);
    return place;
  };
  expect(at(100)).toEqual(['120px', '']);
  expect(at(window.innerHeight - 40)).toEqual(['', '44px']);
});

describe('with a course', () => {
  let fake: FakeServer;
  let model: SnapshotsModel;
  let app: JupyterFrontEnd;
  let executed: [string, unknown][];

  async function open(students: unknown[], names: unknown[]): Promise<void> {
    fake
      .on(`GET ${MATH}/overview/students`, students)
      .on(`GET ${MATH}/overview/snapshots`, { students: students.length, snapshots: names });
    model.visible = true;
    await model.connect();
  }

  beforeEach(() => {
    fake = new FakeServer()
      .on('GET status', OK)
      .on('GET api/v1/users/me', INA)
      .on(`GET ${MATH}/batches`, []);
    model = new SnapshotsModel({ api: fake.api });
    const commands = new CommandRegistry();
    executed = [];
    [CommandIDs.openSnapshot, CommandIDs.take, CommandIDs.downloadClass].forEach(id =>
      commands.addCommand(id, {
        describedBy: { args: {} },
        execute: args => void executed.push([id, args])
      })
    );
    app = { commands } as JupyterFrontEnd;
  });

  afterEach(() => model.dispose());

  test('a student is opened and the snapshots are asked for then', async () => {
    fake.on(`GET ${MATH}/students/ada/snapshots`, [snapshot('ada', NEWEST.name)]);
    await open([ADA, BO], []);
    render(<StudentsBody model={model} app={app} trans={trans} />);
    expect(screen.getByLabelText(/^Bo Chen, left the course/)).toBeInTheDocument();
    fireEvent.click(screen.getByText('Ada Lovelace'));
    fireEvent.click(await screen.findByText(NEWEST.name));
    expect(executed).toEqual([
      [CommandIDs.openSnapshot, { course: 'math', student: 'ada', snapshot: NEWEST.name, path: '' }]
    ]);
  });

  test('a list that could not be loaded is asked for again', async () => {
    await open([ADA], []);
    render(<StudentsBody model={model} app={app} trans={trans} />);
    fireEvent.click(screen.getByText('Ada Lovelace'));
    const note = await screen.findByText(/Could not be loaded/);
    fake.on(`GET ${MATH}/students/ada/snapshots`, []);
    fireEvent.click(note);
    expect(await screen.findByText('No snapshots of this student yet.')).toBeInTheDocument();
  });

  test('who is no student of the course now says why', async () => {
    await open([BO, student('ina', { active: false, role: 'instructor' }), CY], []);
    render(<StudentsBody model={model} app={app} trans={trans} />);
    expect(screen.getAllByText('left the course')).toHaveLength(1);
    expect(screen.getAllByText('instructor')).toHaveLength(1);
    expect(screen.getByLabelText(/^ina, instructor, no snapshot yet/)).toBeInTheDocument();
  });

  test('filtering', async () => {
    await open([ADA, BO, CY], []);
    render(<StudentsBody model={model} app={app} trans={trans} />);
    const user = userEvent.setup();
    const filter = screen.getByRole('searchbox');
    await user.type(filter, 'love');
    expect(screen.getAllByRole('treeitem')).toHaveLength(1);
    await user.type(filter, 'xyz');
    fireEvent.click(screen.getByText('Show all students'));
    expect(screen.getAllByRole('treeitem')).toHaveLength(3);
  });

  test('a course without students and snapshots says what comes next', async () => {
    await open([], []);
    render(
      <>
        <StudentsBody model={model} app={app} trans={trans} />
        <NamesBody model={model} app={app} trans={trans} />
      </>
    );
    expect(screen.getByText('No students in this course yet')).toBeInTheDocument();
    expect(screen.getByText('No snapshots yet')).toBeInTheDocument();
    expect(screen.queryByText('Take Snapshot…')).toBeNull();
  });

  test('names over the class', async () => {
    fake.on(`GET ${MATH}/snapshots?name=week-1_2026-11-01`, [
      snapshot('cy', 'week-1_2026-11-01'),
      snapshot('ada', 'week-1_2026-11-01', { state: 'incomplete', problemCount: 1 })
    ]);
    const row = nameRow('week-1_2026-11-01', { taken: 2, complete: 1, incomplete: 1 });
    expect(nameState(row)).toBe('incomplete');
    await open([ADA, BO, CY], [row]);
    render(<NamesBody model={model} app={app} trans={trans} />);
    expect(screen.getByText(/^2 of 3 · 2 KB, uses 1 KB/)).toBeInTheDocument();
    fireEvent.click(screen.getByText('week-1_2026-11-01'));
    expect(await screen.findByText('Ada Lovelace')).toBeInTheDocument();
    expect(screen.getAllByRole('treeitem')).toHaveLength(3);
    fireEvent.click(screen.getByLabelText(/^Download week-1_2026-11-01 of the class/));
    expect(executed).toEqual([[CommandIDs.downloadClass, { name: 'week-1_2026-11-01' }]]);
  });

  test('captures: progress, what failed, retry', async () => {
    const stream = new EventStream();
    fake
      .on(`POST ${MATH}/snapshots`, batch(7, 'running', [item('ada', 'running')]))
      .on(`GET ${MATH}/batches/7/events`, stream.response)
      .on(`POST ${MATH}/batches/7/retry`, batch(7, 'done', [item('ada', 'done')]));
    await open([ADA], []);
    const { batches } = model;
    const onClick = jest.fn();
    render(
      <>
        <Batches batches={batches} course="math" trans={trans} nameOf={() => 'Ada Lovelace'} />
        <BatchStatus batches={batches} trans={trans} onClick={onClick} />
      </>
    );
    expect(screen.queryByRole('region')).toBeNull();
    await act(() => batches.take('math', { name: 'Week 1', includeHidden: false }));
    expect(screen.getByLabelText(/^Progress of/)).toHaveAttribute('aria-valuenow', '0');
    expect(screen.getByRole('status')).toBeEmptyDOMElement();
    fireEvent.click(screen.getByText('0/1'));
    expect(onClick).toHaveBeenCalled();

    act(() => stream.send('items', [item('ada', 'failed')]));
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent(/^1 failed$/));
    act(() => stream.send('end', batch(7, 'failed', [item('ada', 'failed')])));
    fireEvent.click(await screen.findByText('Show students'));
    expect(await screen.findByText('There is no home.')).toBeInTheDocument();
    expect(screen.queryByText('0/1')).toBeNull();
    fireEvent.click(screen.getByText('Retry 1'));
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('1 of 1 student'));
    fireEvent.click(screen.getByText('Close'));
    expect(screen.queryByRole('region')).toBeNull();
  });

  test.each([
    ['not_configured', 'Snapshots are not set up here'],
    ['down', 'The snapshot service can’t be reached'],
    ['refused', 'The snapshot service refused this server'],
    ['other_version', 'The snapshot service is of another version']
  ])('a handshake that says %s is told', async (state, title) => {
    fake.on('GET status', { ...OK, state, message: '' });
    await model.connect();
    const found = trouble(model, trans);
    expect(found).toMatchObject({ title, retry: true });
    expect(found?.text).not.toBe('');
  });

  test('other reasons for an empty panel', async () => {
    expect(trouble(model, trans)).toBeNull();
    fake.on('GET api/v1/users/me', { ...INA, courses: [] });
    await model.connect();
    expect(trouble(model, trans)?.title).toBe('You are in no course with snapshots');
    const without = new SnapshotsModel({ api: new FakeServer().api });
    await without.connect();
    expect(trouble(without, trans)?.text).toMatch('jupyter server extension enable');
    without.dispose();
  });
});
