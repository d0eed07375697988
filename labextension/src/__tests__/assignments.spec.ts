import { AssignmentsModel, nextPause } from '../assignments';
import { SnapshotsModel } from '../model';
import { assignment, cell, counts, grid, overview } from './assignmentSamples';
import { FakeServer, INA, json, OK, settle, snapshot, student, until } from './samples';

const C = 'api/v1/instructors/ina/courses/math';
const PHYSICS = 'api/v1/instructors/ina/courses/phys101';

let fake: FakeServer;
let model: SnapshotsModel;
let assignments: AssignmentsModel;

beforeEach(async () => {
  fake = new FakeServer()
    .on('GET status', OK)
    .on('GET api/v1/users/me', INA)
    .on(`GET ${C}/batches`, [])
    .on(`GET ${C}/overview/students`, [student('ada', { id: 7 }), student('12', { id: 8 })])
    .on(`GET ${C}/overview/snapshots`, { students: 2, snapshots: [] })
    .on(`GET ${C}/overview/assignments`, overview(assignment(1)));
  model = new SnapshotsModel({ api: fake.api });
  assignments = new AssignmentsModel(model);
  model.visible = true;
  await model.connect();
  await until(() => assignments.overview !== null);
});

afterEach(() => {
  assignments.dispose();
  model.dispose();
});

describe('calls', () => {
  test('name students by their id', async () => {
    fake
      .on(`GET ${C}/deadlines?assignment=1&student=8`, [{ assignment: 1, student: '12' }])
      .on(`POST ${C}/assignments/1/deliveries`, []);
    expect(await assignments.api.deadline('math', 1, '12')).toMatchObject({ student: '12' });
    await assignments.api.deliver('math', 1, ['ada', 'somebody']);
    expect(fake.bodies).toContainEqual({ students: [7, 'somebody'] });
    await assignments.api.deliver('math', 1);
    expect(fake.bodies).toContainEqual({});
  });

  test('a deadline of nobody is none', async () => {
    fake.on(`GET ${C}/deadlines?assignment=1&student=7`, []);
    expect(await assignments.api.deadline('math', 1, 'ada')).toBeNull();
  });

  test('contents of a document are sent as they are', async () => {
    const sent: string[] = [];
    fake.on('PUT api/v1/instructors/ina/documents/4/data', async (request: Request) => {
      sent.push(await request.text(), request.headers.get('Content-Type') ?? '');
      return json('contents updated');
    });
    await assignments.api.fillDocument(4, 'x = 1' as unknown as Blob);
    expect(sent).toEqual(['x = 1', 'application/octet-stream']);
  });

  test('an extension, and none any more', async () => {
    fake
      .on(`POST ${C}/students/ada/extensions`, 3)
      .on(`DELETE ${C}/students/ada/extensions/3`, 'deleted extension');
    await assignments.api.extend('math', 'ada', 1, null);
    expect(fake.bodies).toContainEqual({ onAssignment: 1, until: null });
    await assignments.api.removeExtension('math', 'ada', 3);
    expect(fake.count(`DELETE ${C}/students/ada/extensions/3`)).toBe(1);
  });
});

describe('the model', () => {
  test('is loaded with the lists, and the grid only while it is watched', async () => {
    fake.on(`GET ${C}/overview/grid`, grid([1], [cell('open')]));
    expect(fake.count(`GET ${C}/overview/assignments`)).toBe(1);
    await model.refresh();
    await settle();
    expect(fake.count(`GET ${C}/overview/assignments`)).toBe(2);
    expect(fake.count(`GET ${C}/overview/grid`)).toBe(0);
    const watch = assignments.watchGrid();
    await until(() => assignments.grid !== null);
    watch.dispose();
    await assignments.refresh();
    expect(fake.count(`GET ${C}/overview/grid`)).toBe(1);
  });

  test('forgets the course before, and what is on its way for it', async () => {
    let answer: (value: unknown) => void = () => undefined;
    fake
      .on(`GET ${C}/overview/assignments`, () => new Promise(resolve => (answer = resolve)))
      .on(`GET ${PHYSICS}/batches`, [])
      .on(`GET ${PHYSICS}/overview/students`, [])
      .on(`GET ${PHYSICS}/overview/snapshots`, { students: 0, snapshots: [] })
      .on(`GET ${PHYSICS}/overview/assignments`, overview(assignment(5)));
    const old = assignments.refresh();
    await model.selectCourse('phys101');
    await until(() => assignments.find(5) !== null);
    answer(overview(assignment(1)));
    await old;
    expect(assignments.find(1)).toBeNull();
    expect(assignments.find(5)).not.toBeNull();
  });

  test('tells what is wrong, and keeps what it has', async () => {
    fake.on(`GET ${C}/overview/assignments`, json({ message: 'Too much.', code: 'busy' }, 503));
    await assignments.refresh();
    expect(assignments.error?.message).toBe('Too much.');
    expect(assignments.find(1)).not.toBeNull();
    fake.on(`GET ${C}/overview/assignments`, overview(assignment(2)));
    await assignments.refresh();
    expect(assignments.error).toBeNull();
    expect(assignments.find(2)).not.toBeNull();
  });

  test('loads captured lists again when the counts have changed', async () => {
    const route = `GET ${C}/snapshots?assignment=1`;
    fake.on(route, []);
    await assignments.loadCaptured(1);
    await assignments.refresh();
    expect(fake.count(route)).toBe(1);
    fake
      .on(route, [snapshot('ada', 'problem-set-1_2026-12-01')])
      .on(
        `GET ${C}/overview/assignments`,
        overview(assignment(1, { counts: counts({ captured: 1, open: 2 }) }))
      );
    await assignments.refresh();
    await until(() => assignments.captured(1)?.length === 1);
    expect(fake.count(route)).toBe(2);
  });

  test('asks ever less often while it fails', async () => {
    const route = `GET ${C}/overview/assignments`;
    const capturing = overview(assignment(1, { state: 'capturing' }));
    const timer = jest.spyOn(globalThis, 'setTimeout');
    const pause = async (answer: unknown) => {
      fake.on(route, answer);
      timer.mockClear();
      await assignments.refresh();
      return timer.mock.calls
        .map(([, milliseconds]) => milliseconds ?? 0)
        .filter(each => each > 1000);
    };
    const failure = () => json({ message: 'Too much.', code: 'busy' }, 503);
    expect(await pause(capturing)).toEqual([5000]);
    expect(await pause(failure())).toEqual([60_000]);
    expect(await pause(failure())).toEqual([120_000]);
    expect(await pause(capturing)).toEqual([5000]);
    timer.mockRestore();
  });

  test('is nothing for a student of the course', async () => {
    fake.on('GET api/v1/users/me/courses/writing/snapshots', []);
    await model.selectCourse('writing');
    await assignments.refresh();
    expect(assignments.overview).toBeNull();
    expect(() => assignments.course).toThrow();
  });

  test('an assistant sees the class', async () => {
    const me = { ...INA, courses: [{ ...INA.courses[0], role: 'assistant' as const }] };
    fake.on('GET api/v1/users/me', me);
    await model.refresh();
    await settle();
    expect(model.seesClass).toBe(true);
    expect(model.isInstructor).toBe(false);
    expect(assignments.find(1)).not.toBeNull();
  });
});

describe('the next look', () => {
  const now = Date.parse('2026-12-01T22:00:00Z');

  test('is soon while something is captured', () => {
    expect(nextPause([assignment(1, { state: 'capturing' })], now)).toBe(5000);
    expect(nextPause([assignment(1, { counts: counts({ running: 1 }) })], now)).toBe(5000);
  });

  test('is just after the next instant', () => {
    const rows = [
      assignment(1, { firstInstant: '2026-12-01T21:00:00Z', lastInstant: '2026-12-01T22:10:00Z' }),
      assignment(2, { visibleFrom: '2026-12-01T22:05:00Z' })
    ];
    expect(nextPause(rows, now)).toBe(5 * 60_000 + 2000);
  });

  test('is never when nothing is to come', () => {
    expect(nextPause([], now)).toBe(Infinity);
    const over = '2026-11-01T00:00:00Z';
    const row = assignment(1, { duedate: over, firstInstant: over, lastInstant: over });
    expect(nextPause([row], now)).toBe(Infinity);
  });
});
