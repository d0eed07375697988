import { SnapshotsModel } from '../model';
import type { IStudentRow } from '../tokens';
import {
  batch,
  FakeServer,
  INA,
  json,
  nameRow,
  OK,
  settle,
  snapshot,
  student,
  until
} from './samples';

const COURSE = (code: string) => `api/v1/instructors/ina/courses/${code}`;
const PLACE = { course: 'math', student: 'ada', snapshot: 'w_2026-01-01', path: '' };

/** Something that is answered when the test says so. */
function later<T>(): { promise: Promise<T>; answer: (value: T) => void } {
  let answer: (value: T) => void = () => undefined;
  const promise = new Promise<T>(resolve => {
    answer = resolve;
  });
  return { promise, answer };
}

let fake: FakeServer;
let model: SnapshotsModel;
let remembered: string[];

function make(recalled: string | null = null): SnapshotsModel {
  model = new SnapshotsModel({
    api: fake.api,
    recall: async () => recalled,
    remember: code => remembered.push(code)
  });
  return model;
}

beforeEach(() => {
  remembered = [];
  fake = new FakeServer()
    .on('GET status', OK)
    .on('GET api/v1/users/me', INA)
    .on('GET api/v1/users/me/courses/writing/snapshots', [snapshot('ina', 'essay_2026-01-01')]);
  for (const code of ['math', 'phys101']) {
    fake
      .on(`GET ${COURSE(code)}/overview/students`, [student(`${code}-student`)])
      .on(`GET ${COURSE(code)}/overview/snapshots`, {
        students: 1,
        snapshots: [nameRow(`${code}_2026-01-01`)]
      })
      .on(`GET ${COURSE(code)}/batches`, []);
  }
});

afterEach(() => model.dispose());

test('nothing of the class is asked for before the panel is to be seen', async () => {
  make();
  await model.connect();
  await model.ready;
  expect(model.course?.code).toBe('math');
  expect(model.isInstructor).toBe(true);
  expect(fake.requests.filter(each => each.includes('overview'))).toEqual([]);

  model.visible = true;
  await until(() => model.students !== null, 'the list');
  expect(model.students?.[0].username).toBe('math-student');
  expect(model.names?.snapshots[0].name).toBe('math_2026-01-01');
  expect(model.error).toBeNull();
  expect(model.loading).toBe(false);
});

test('the course of the last time is shown again, one that is gone is not', async () => {
  await make('phys101').connect();
  expect(model.course?.code).toBe('phys101');
  model.dispose();
  await make('gone').connect();
  expect(model.course?.code).toBe('math');
});

test('a chosen course is remembered', async () => {
  await make().connect();
  await model.selectCourse('phys101');
  await model.selectCourse('phys101');
  await model.selectCourse('no-such-course');
  expect(remembered).toEqual(['phys101']);
});

test('an answer for the course before does not get into the next one', async () => {
  make();
  model.visible = true;
  const slow = later<IStudentRow[]>();
  fake.on(`GET ${COURSE('math')}/overview/students`, () => slow.promise);
  const connecting = model.connect();
  await until(() => fake.requests.some(each => each.includes('math/overview/students')));
  await model.selectCourse('phys101');
  expect(model.students?.[0].username).toBe('phys101-student');

  slow.answer([student('math-student')]);
  await connecting;
  expect(model.course?.code).toBe('phys101');
  expect(model.students?.[0].username).toBe('phys101-student');
  expect(model.names?.snapshots[0].name).toBe('phys101_2026-01-01');
});

test('an error for the course before does not get into the next one', async () => {
  make();
  model.visible = true;
  const slow = later<Response>();
  fake.on(`GET ${COURSE('math')}/overview/students`, () => slow.promise);
  const connecting = model.connect();
  await until(() => fake.requests.some(each => each.includes('math/overview/students')));
  await model.selectCourse('phys101');
  slow.answer(json({ message: 'too late' }, 500));
  await connecting;
  expect(model.error).toBeNull();
});

test('an older answer does not replace a younger one', async () => {
  await make().connect();
  model.visible = true;
  await until(() => model.students !== null);
  const slow = later<IStudentRow[]>();
  fake.on(`GET ${COURSE('math')}/overview/students`, () => slow.promise);
  const first = model.refresh();
  await settle();
  fake.on(`GET ${COURSE('math')}/overview/students`, [student('young')]);
  await model.refresh();
  slow.answer([student('old')]);
  await first;
  expect(model.students?.[0].username).toBe('young');
});

test('lists opened in the course before are forgotten, answers under way included', async () => {
  await make().connect();
  const slow = later<unknown>();
  fake
    .on(`GET ${COURSE('math')}/students/ada/snapshots`, () => slow.promise)
    .on(`GET ${COURSE('phys101')}/students/ada/snapshots`, [snapshot('ada', 'phys_2026-01-01')]);
  const old = model.loadSnapshots('ada');
  await model.selectCourse('phys101');
  expect((await model.loadSnapshots('ada'))[0].name).toBe('phys_2026-01-01');
  slow.answer([snapshot('ada', 'math_2026-01-01')]);
  await old;
  expect(model.snapshotsOf('ada')?.[0].name).toBe('phys_2026-01-01');
});

test.each(['not_configured', 'down', 'refused', 'other_version'])(
  'after a handshake that says %s nothing more is asked; trying again helps',
  async state => {
    fake.on('GET status', { ...OK, state, message: 'why' });
    make();
    model.visible = true;
    await model.connect();
    await model.ready;
    expect(model.connected).toBe(false);
    expect(model.status).toMatchObject({ state, message: 'why' });
    expect(model.error).toBeNull();
    expect(fake.requests).toEqual(['GET status']);

    fake.on('GET status', OK);
    await model.refresh();
    expect(model.connected).toBe(true);
    expect(model.students).toHaveLength(1);
  }
);

test('without a server extension the handshake is an error that can be told', async () => {
  fake = new FakeServer();
  await make().connect();
  await model.ready;
  expect(model.status).toBeNull();
  expect(model.error).toMatchObject({ status: 404 });
  expect(model.loading).toBe(false);
});

test('a panel that is shown again tries again by itself', async () => {
  fake.on('GET status', { ...OK, state: 'down' });
  await make().connect();
  fake.on('GET status', OK);
  model.visible = true;
  await until(() => model.connected, 'the connection');
});

test('the service goes away after the lists were there', async () => {
  await make().connect();
  model.visible = true;
  await until(() => model.students !== null);
  fake.on(`GET ${COURSE('math')}/overview/students`, () =>
    json({ message: 'The service is down.', code: 'service_down' }, 502)
  );
  await model.refresh();
  expect(model.error).toMatchObject({ code: 'service_down' });
  expect(model.students).toHaveLength(1);
});

test('a caller in no course', async () => {
  fake.on('GET api/v1/users/me', { ...INA, courses: [] });
  await make().connect();
  expect(model.connected).toBe(true);
  expect(model.course).toBeNull();
});

test('a student sees only own snapshots', async () => {
  make('writing');
  model.visible = true;
  await model.connect();
  expect(model.isInstructor).toBe(false);
  expect(model.snapshotsOf('ina')).toHaveLength(1);
  expect(fake.requests.filter(each => each.includes('instructors'))).toEqual([]);
});

test('opened lists are loaded again when the overview shows them to be old', async () => {
  fake.on(`GET ${COURSE('math')}/overview/students`, [student('ada'), student('bo')]);
  fake.on(`GET ${COURSE('math')}/students/ada/snapshots`, []);
  fake.on(`GET ${COURSE('math')}/students/bo/snapshots`, []);
  await make().connect();
  model.visible = true;
  await until(() => model.students !== null);
  await model.loadSnapshots('ada');
  await model.loadSnapshots('bo');

  fake.on(`GET ${COURSE('math')}/overview/students`, [
    student('ada', { snapshots: 1 }),
    student('bo')
  ]);
  fake.on(`GET ${COURSE('math')}/students/ada/snapshots`, [snapshot('ada', 'w_2026-01-01')]);
  await model.refresh();
  await until(() => model.snapshotsOf('ada')?.length === 1, 'the list of ada');
  expect(fake.count(`GET ${COURSE('math')}/students/bo/snapshots`)).toBe(1);
});

test('a list that could not be loaded says why, until it can', async () => {
  await make().connect();
  await expect(model.loadSnapshots('ada')).rejects.toThrow('nothing at');
  expect(model.problemOf({ student: 'ada' })?.message).toMatch('nothing at');
  fake.on(`GET ${COURSE('math')}/students/ada/snapshots`, []);
  await model.loadSnapshots('ada');
  expect(model.problemOf({ student: 'ada' })).toBeNull();
});

test('a student’s snapshots are newest first', async () => {
  fake.on(`GET ${COURSE('math')}/students/ada/snapshots`, [
    snapshot('ada', 'a_2026-01-01', { endedAt: '2026-01-01T10:00:00Z' }),
    snapshot('ada', 'old_2026-01-02', { endedAt: null }),
    snapshot('ada', 'b_2026-01-03', { endedAt: '2026-01-03T10:00:00Z' })
  ]);
  await make().connect();
  const names = (await model.loadSnapshots('ada')).map(each => each.name);
  expect(names).toEqual(['b_2026-01-03', 'old_2026-01-02', 'a_2026-01-01']);
});

test('pinning changes the row at once', async () => {
  const route = `${COURSE('math')}/students/ada/snapshots`;
  fake.on(`GET ${route}`, [snapshot('ada', PLACE.snapshot)]);
  fake.on(`PATCH ${route}/${PLACE.snapshot}`, snapshot('ada', PLACE.snapshot, { pinned: true }));
  await make().connect();
  await model.loadSnapshots('ada');
  await model.pin(PLACE, true);
  expect(model.snapshotsOf('ada')?.[0].pinned).toBe(true);
});

test('a deleted snapshot is no longer shown', async () => {
  const route = `${COURSE('math')}/students/ada/snapshots`;
  fake.on(`GET ${route}`, [snapshot('ada', PLACE.snapshot)]);
  fake.on(`DELETE ${route}/${PLACE.snapshot}`, '"deleted snapshot"');
  await make().connect();
  await model.loadSnapshots('ada');
  model.showPlace({ ...PLACE, path: 'deep/inside' });
  fake.on(`GET ${route}`, []);
  await model.deleteSnapshot(PLACE);
  expect(model.place).toBeNull();
  await until(() => model.snapshotsOf('ada')?.length === 0, 'the empty list');
});

test('a list under way is asked for again when it is old before it comes', async () => {
  fake.on(`GET ${COURSE('math')}/overview/students`, [student('ada', { snapshots: 2 })]);
  const route = `${COURSE('math')}/students/ada/snapshots`;
  const slow = later<unknown>();
  fake.on(`GET ${route}`, () => slow.promise);
  fake.on(`DELETE ${route}/${PLACE.snapshot}`, '"deleted snapshot"');
  await make().connect();
  const first = model.loadSnapshots('ada');
  await settle();
  await model.deleteSnapshot(PLACE);
  fake.on(`GET ${route}`, []);
  slow.answer([snapshot('ada', PLACE.snapshot)]);
  expect(await first).toHaveLength(1);
  await until(() => model.snapshotsOf('ada')?.length === 0, 'the younger list');
  await settle();
  expect(fake.count(`GET ${route}`)).toBe(2);
});

test('a snapshot that is pinned while its list is under way stays pinned', async () => {
  const route = `${COURSE('math')}/students/ada/snapshots`;
  const pinned = snapshot('ada', PLACE.snapshot, { pinned: true });
  const slow = later<unknown>();
  fake.on(`GET ${route}`, () => slow.promise).on(`PATCH ${route}/${PLACE.snapshot}`, pinned);
  await make().connect();
  const first = model.loadSnapshots('ada');
  await settle();
  await model.pin(PLACE, true);
  fake.on(`GET ${route}`, [pinned]);
  slow.answer([snapshot('ada', PLACE.snapshot)]);
  await first;
  await until(() => model.snapshotsOf('ada')?.[0].pinned === true, 'the younger list');
});

test('refreshing finds another role, another course, and what was started elsewhere', async () => {
  await make().connect();
  model.visible = true;
  await until(() => model.students !== null);
  const chemistry = { code: 'chem', title: 'Chemistry', timeZone: 'UTC', role: 'student' as const };
  fake.on('GET api/v1/users/me', { ...INA, courses: [...INA.courses, chemistry] });
  const { items, ...running } = batch(7, 'running', []);
  expect(items).toEqual([]);
  fake.on(`GET ${COURSE('math')}/batches`, [running]);
  await model.refresh();
  expect(model.course?.code).toBe('math');
  expect(model.me?.courses).toHaveLength(4);
  await until(() => model.batches.running.length === 1, 'the batch');

  fake.on('GET api/v1/users/me', { ...INA, courses: [{ ...chemistry, code: 'math' }] });
  fake.on('GET api/v1/users/me/courses/math/snapshots', []);
  await model.refresh();
  expect(model.isInstructor).toBe(false);
  expect(model.students).toBeNull();
  expect(model.snapshotsOf('ina')).toEqual([]);

  fake.on('GET api/v1/users/me', { ...INA, courses: [INA.courses[1]] });
  await model.refresh();
  expect(model.course?.code).toBe('phys101');
});

test('the poll finds what was started elsewhere', async () => {
  jest.useFakeTimers();
  try {
    make();
    model.visible = true;
    await model.connect();
    const running = batch(7, 'running', []);
    fake.on(`GET ${COURSE('math')}/batches`, [running]);
    fake.on(`GET ${COURSE('math')}/batches/7`, running);
    await jest.advanceTimersByTimeAsync(61_000);
  } finally {
    jest.useRealTimers();
  }
  await until(() => model.batches.running.length === 1, 'the batch');
});

test('a service that is down is tried again while the panel is to be seen', async () => {
  jest.useFakeTimers();
  try {
    fake.on('GET status', { ...OK, state: 'down' });
    make();
    model.visible = true;
    await model.connect();
    await jest.advanceTimersByTimeAsync(61_000);
    expect(fake.count('GET status')).toBe(2);
    model.visible = false;
    await jest.advanceTimersByTimeAsync(200_000);
    expect(fake.count('GET status')).toBe(2);
    fake.on('GET status', { ...OK, state: 'refused' });
    model.visible = true;
    await jest.advanceTimersByTimeAsync(200_000);
    expect(fake.count('GET status')).toBe(3);
    fake.on('GET status', { ...OK, state: 'down' });
    await model.refresh();
    fake.on('GET status', OK);
    await jest.advanceTimersByTimeAsync(61_000);
    expect(model.connected).toBe(true);
    expect(model.students).toHaveLength(1);
  } finally {
    jest.useRealTimers();
  }
});

test('another course shows no place of the one before', async () => {
  await make().connect();
  const places: unknown[] = [];
  model.placeChanged.connect((_, place) => places.push(place));
  model.showPlace(PLACE);
  await model.selectCourse('phys101');
  expect(places).toEqual([PLACE, null]);
});

test('captures that run are found again after a reload', async () => {
  const { items, ...running } = batch(7, 'running', []);
  expect(items).toEqual([]);
  fake.on(`GET ${COURSE('math')}/batches`, [running, { ...running, id: 6, state: 'done' }]);
  await make().connect();
  await until(() => model.batches.running.length === 1, 'the batch');
  expect(model.batches.running[0].batch.id).toBe(7);
});
