import { ApiError } from '../api';
import { SnapshotsModel } from '../model';
import { OwnApi } from '../ownApi';
import { OwnAssignmentsModel } from '../ownAssignments';
import { captured, running, assigned } from './ownSamples';
import { FakeServer, json, OK, settle } from './samples';

const ADA = {
  username: 'ada',
  admin: false,
  courses: [
    { code: 'math', title: 'Mathematics', timeZone: 'UTC', role: 'student' },
    { code: 'phys', title: 'Physics', timeZone: 'Europe/Berlin', role: 'student' },
    { code: 'writing', title: 'Writing', timeZone: 'UTC', role: 'instructor' }
  ]
};
const MATH = 'GET api/v1/users/me/courses/math/assignments';
const PHYS = 'GET api/v1/users/me/courses/phys/assignments';
const OPEN = 'POST api/v1/users/me/courses/math/assignments';

let server: FakeServer;
let model: SnapshotsModel;
let own: OwnAssignmentsModel;
let passed: number;
let chance = 0.5;
const moments: [string, number, number][] = [];
const ends: string[] = [];

/** Lets seconds pass for the countdowns and the timer alike; what is asked for is answered. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    passed += 1000;
    jest.advanceTimersByTime(1000);
  }
  await settle();
}

async function begin(
  math: unknown = [assigned(1), running(2, 700)],
  phys: unknown = []
): Promise<void> {
  server = new FakeServer()
    .on('GET status', OK)
    .on('GET api/v1/users/me', ADA)
    .on('GET api/v1/users/me/courses/math/snapshots', [])
    .on(MATH, math)
    .on(PHYS, phys);
  const { api } = server;
  model = new SnapshotsModel({ api });
  passed = 0;
  own = new OwnAssignmentsModel({
    model,
    api: new OwnApi(api),
    elapsed: () => passed,
    random: () => chance
  });
  moments.length = ends.length = 0;
  own.reached.connect((_, { assignment, moment, left }) =>
    moments.push([assignment.title, moment, left])
  );
  own.captured.connect((_, { assignment }) => ends.push(assignment.title));
  await model.connect();
  await settle();
}

beforeEach(() => {
  // Only what the model's clocks go by: requests are answered as ever.
  jest.useFakeTimers({
    doNotFake: [
      'setTimeout',
      'clearTimeout',
      'setImmediate',
      'clearImmediate',
      'nextTick',
      'queueMicrotask',
      'performance'
    ]
  });
});

afterEach(() => {
  own.dispose();
  model.dispose();
  jest.useRealTimers();
});

describe('OwnAssignmentsModel', () => {
  it('should load those of every course where one is a student, once', async () => {
    await begin();
    expect(own.of('math')?.map(each => each.id)).toEqual([1, 2]);
    expect(own.of('phys')).toEqual([]);
    expect(own.of('writing')).toBeNull();
    expect(server.count(MATH)).toBe(1);
    expect(server.requests.filter(each => each.includes('instructors'))).toEqual([]);
  });

  it('should load the shown course with the panel’s poll, and what failed before', async () => {
    await begin([], json({ message: 'The service is down.', code: 'down' }, 503));
    expect(own.problemOf('phys')?.message).toBe('The service is down.');
    server.on(PHYS, [assigned(7)]);
    model.visible = true;
    await settle();
    expect(server.count(MATH)).toBe(2);
    expect(own.of('phys')?.map(each => each.id)).toEqual([7]);
    expect(own.problemOf('phys')).toBeNull();
  });

  it('should keep what it has when a later request fails', async () => {
    await begin();
    server.on(MATH, json({ message: 'No.', code: 'x' }, 500));
    await own.load('math');
    expect(own.of('math')).toHaveLength(2);
    expect(own.problemOf('math')?.message).toBe('No.');
  });

  it('should count down by the time that has passed, not by the clock', async () => {
    await begin();
    jest.setSystemTime(new Date('2031-01-01T00:00:00Z'));
    expect(own.running.map(each => each.left)).toEqual([700]);
    let ticks = 0;
    own.ticked.connect(() => {
      ticks += 1;
    });
    await pass(10);
    expect(ticks).toBe(10);
    expect(own.leftOf('math', 2)).toBe(690);
    expect(own.leftOf('math', 1)).toBeNull();
  });

  it('should tell ten, five and one minute and the end, each once', async () => {
    await begin();
    server.on(MATH, () => [running(2, 700 - passed / 1000)]);
    expect(moments).toEqual([]);
    await pass(99);
    expect(moments).toEqual([]);
    await pass(620);
    expect(moments).toEqual([
      ['Exam 2', 10, 600],
      ['Exam 2', 5, 300],
      ['Exam 2', 1, 60],
      ['Exam 2', 0, 0]
    ]);
  });

  it('should tell at once when a page is opened late', async () => {
    await begin([running(2, 200)]);
    expect(moments).toEqual([['Exam 2', 5, 200]]);
  });

  it('should tell again after more time was given', async () => {
    await begin([running(2, 200)]);
    server.on(MATH, [running(2, 900)]);
    await own.load('math');
    expect(own.leftOf('math', 2)).toBe(900);
    server.on(MATH, [running(2, 299)]);
    await own.load('math');
    expect(moments.map(([, moment]) => moment)).toEqual([5, 5]);
  });

  it('should not jump for the time that an answer took', async () => {
    await begin([running(2, 700)]);
    await pass(10);
    server.on(MATH, [running(2, 691)]);
    await own.load('math');
    expect(own.leftOf('math', 2)).toBe(690);
  });

  it('should ask now and then while the clock runs, and ever less often after its end', async () => {
    await begin([running(2, 100)]);
    server.on(MATH, () => [running(2, Math.max(0, 100 - passed / 1000))]);
    const asked = server.count(MATH);
    await pass(29);
    expect(server.count(MATH)).toBe(asked);
    await pass(1);
    expect(server.count(MATH)).toBe(asked + 1);
    await pass(30);
    await pass(30);
    await pass(15);
    expect(own.leftOf('math', 2)).toBe(0);
    const looks: number[] = [];
    for (let second = 1; second <= 200; second++) {
      const before = server.count(MATH);
      if (second === 20) {
        server.on(MATH, json({ message: 'No.', code: 'busy' }, 503));
      }
      await pass(1);
      if (server.count(MATH) > before) {
        looks.push(second);
      }
    }
    // A failure is a look, too.
    expect(looks).toEqual([10, 30, 70, 130, 190]);
    expect(ends).toEqual([]);
    server.on('GET api/v1/users/me/courses/math/snapshots', []);
    await model.loadSnapshots('ada');
    const lists = server.count('GET api/v1/users/me/courses/math/snapshots');
    server.on(MATH, [captured(2)]);
    await pass(60);
    expect(ends).toEqual(['Exam 2']);
    expect(server.count('GET api/v1/users/me/courses/math/snapshots')).toBe(lists + 1);
    expect(own.running).toEqual([]);
    const done = server.count(MATH);
    await pass(60);
    expect(server.count(MATH)).toBe(done);
  });

  it('should not ask in step with others after the end', async () => {
    const first = async (random: number) => {
      chance = random;
      await begin([running(2, 1)]);
      server.on(MATH, () => [running(2, 0)]);
      await pass(1);
      const before = server.count(MATH);
      let seconds = 0;
      while (server.count(MATH) === before && seconds < 20) {
        await pass(1);
        seconds += 1;
      }
      own.dispose();
      model.dispose();
      return seconds;
    };
    const [early, late] = [await first(0.1), await first(0.9)];
    chance = 0.5;
    expect(early).toBeLessThan(3);
    expect(late).toBeGreaterThan(7);
    expect(late).toBeLessThanOrEqual(10);
    await begin(); // What is disposed of after the test.
  });

  it('should ask at once after the machine has slept', async () => {
    await begin();
    const asked = server.count(MATH);
    jest.setSystemTime(Date.now() + 3_600_000);
    await pass(1);
    expect(server.count(MATH)).toBe(asked + 1);
  });

  it('should forget a clock that an instructor has taken back', async () => {
    await begin();
    server.on(MATH, [assigned(2, { state: 'not_opened' })]);
    await own.load('math');
    expect(own.running).toEqual([]);
    expect(ends).toEqual([]);
  });

  it('should not take the capture of an earlier opening for that of this one', async () => {
    const snapshot = { name: 'exam-2_2026-11-20', beganAt: '2020-01-01T00:00:00Z', changed: 0 };
    await begin([running(2, 60, { snapshot })]);
    expect(own.leftOf('math', 2)).toBe(60);
    server.on(MATH, [running(2, 0, { snapshot, state: 'captured' })]);
    await own.load('math');
    expect(ends).toEqual([]);
    server.on(MATH, [captured(2)]);
    await own.load('math');
    expect(ends).toEqual(['Exam 2']);
  });

  it('should not wait for a capture of long ago', async () => {
    await begin([running(2, 0, { ends: '2026-01-01T00:00:00Z' }), running(3, 0)]);
    expect(own.running.map(each => each.assignment.id)).toEqual([3]);
    expect(moments).toEqual([]);
  });

  it('should open one and start its clock', async () => {
    await begin([assigned(2, { state: 'not_opened' })]);
    server.on(`${OPEN}/2/open`, running(2, 5400));
    const opened = await own.open('math', 2, 'secret');
    expect(opened.state).toBe('running_out');
    expect(server.bodies).toEqual([{ password: 'secret' }]);
    expect(own.leftOf('math', 2)).toBe(5400);
    expect(own.of('math')).toHaveLength(1);
  });

  it('should list a hidden one once it was opened', async () => {
    await begin([assigned(1)]);
    server.on(`${OPEN}/open`, running(9, 60));
    await own.openHidden('math', 'Exam 9', 'secret');
    expect(server.bodies).toEqual([{ title: 'Exam 9', password: 'secret' }]);
    expect(own.of('math')?.map(each => each.id)).toEqual([1, 9]);
  });

  it('should not take over a list from before the opening', async () => {
    await begin([assigned(2, { state: 'not_opened' })]);
    let answer: (list: unknown) => void = () => undefined;
    server.on(MATH, () => new Promise(resolve => (answer = resolve)));
    const loading = own.load('math');
    await settle();
    server.on(`${OPEN}/2/open`, running(2, 5400));
    await own.open('math', 2, 'secret');
    answer([assigned(2, { state: 'not_opened' })]);
    await loading;
    expect(own.find('math', 2)?.state).toBe('running_out');
    expect(own.leftOf('math', 2)).not.toBeNull();
  });

  it('should hand on why it was not opened', async () => {
    await begin([assigned(2, { state: 'not_opened' })]);
    const body = {
      message: 'Too many.',
      code: 'busy',
      details: { retryAfterSeconds: 30 }
    };
    server.on(`${OPEN}/2/open`, json(body, 503));
    const reason = await own.open('math', 2, 'x').catch((error: unknown) => error);
    expect(reason).toBeInstanceOf(ApiError);
    expect((reason as ApiError).details).toEqual({ retryAfterSeconds: 30 });
    expect(own.running).toEqual([]);
  });

  it('should drop the clocks of a course that one has left', async () => {
    await begin();
    expect(own.running).toHaveLength(1);
    server.on('GET api/v1/users/me', { ...ADA, courses: ADA.courses.slice(1) });
    server.on('GET api/v1/users/me/courses/phys/snapshots', []);
    await model.refresh();
    await settle();
    expect(own.running).toEqual([]);
    expect(own.of('math')).toBeNull();
  });
});
