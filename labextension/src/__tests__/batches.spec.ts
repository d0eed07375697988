import { BatchesModel, count, progress } from '../batches';
import { batch, EventStream, FakeServer, INA, item, json, settle, until } from './samples';

const COURSE = 'api/v1/instructors/ina/courses/math';
const EVENTS = `GET ${COURSE}/batches/7/events`;
const BATCH = `${COURSE}/batches/7`;
const RUNNING = batch(7, 'running', [item('ada', 'running'), item('bo', 'queued')]);
const FAILED = batch(7, 'failed', [item('ada', 'done'), item('bo', 'failed')]);
const DONE = batch(7, 'done', [item('ada', 'done'), item('bo', 'done')]);

let fake: FakeServer;
let batches: BatchesModel;
let ended: string[];

beforeEach(() => {
  fake = new FakeServer().on(`POST ${COURSE}/snapshots`, RUNNING);
  const { api } = fake;
  api.links.me = INA;
  batches = new BatchesModel(api);
  ended = [];
  batches.ended.connect((_, { course, batch: found }) => {
    ended.push(`${course} ${found.id} ${found.state}`);
  });
});

afterEach(() => batches.dispose());

const take = () => batches.take('math', { name: 'Week 1', includeHidden: false });
const states = () =>
  batches.all[0].batch.items.map(each => `${each.student} ${each.state}`).join(', ');

test('events move a batch on to its end', async () => {
  const stream = new EventStream();
  fake.on(EVENTS, stream.response);
  await take();
  expect(states()).toBe('ada running, bo queued');
  await settle();

  stream.send('items', RUNNING.items);
  stream.send('items', [item('ada', 'done')]);
  await until(() => states() === 'ada done, bo queued', 'the first student');
  expect(progress(batches.all[0].batch)).toBe(0.5);
  expect(ended).toEqual([]);

  stream.send('end', DONE);
  await until(() => ended.length > 0, 'the end');
  expect(ended).toEqual(['math 7 done']);
  expect(batches.running).toEqual([]);
  expect(batches.all).toHaveLength(1);
  expect(fake.count(`GET ${BATCH}`)).toBe(0);
});

test('when events break off, it is asked where the batch stands', async () => {
  const first = new EventStream();
  const streams = [first.response, new EventStream().response];
  fake.on(EVENTS, () => streams.shift());
  fake.on(`GET ${BATCH}`, batch(7, 'running', [item('ada', 'done'), item('bo', 'running')]));
  await take();
  first.send('items', RUNNING.items);
  await settle();
  first.fail();
  await until(() => states() === 'ada done, bo running', 'the answer');
  await until(() => fake.count(EVENTS) === 2, 'the second try');
});

test('what runs is followed, even what had ended and was tried again elsewhere', async () => {
  fake.on(EVENTS, new EventStream().response).on(`GET ${BATCH}`, FAILED);
  await batches.show('math', 7);
  expect(batches.running).toEqual([]);
  const { items, ...running } = RUNNING;
  fake.on(`GET ${COURSE}/batches`, [running]);
  await batches.resume('math');
  expect(batches.running).toHaveLength(1);
  expect(batches.all[0].batch.items).toHaveLength(items.length);
  await batches.resume('math');
  expect(batches.all).toHaveLength(1);
});

test('where events do not work, the batch is looked at again and again', async () => {
  fake.on(EVENTS, () => json({ message: 'no' }, 500)).on(`GET ${BATCH}`, DONE);
  await take();
  await until(() => ended.length > 0, 'the end');
  expect(ended).toEqual(['math 7 done']);
});

test('a service that is away for a while is told, and the batch is not lost', async () => {
  fake
    .on(EVENTS, () => json({ message: 'down' }, 502))
    .on(`GET ${BATCH}`, () => json({ message: 'The service is down.' }, 502));
  await take();
  await until(() => batches.all[0].error !== null, 'the error');
  expect(batches.all[0].error?.message).toBe('The service is down.');
  expect(batches.running).toHaveLength(1);
});

test('a batch that can not be seen any more is no longer shown', async () => {
  await take();
  await until(() => batches.all.length === 0, 'the empty list');
  expect(ended).toEqual([]);
});

test('cancelling is asked once and followed to its end', async () => {
  const stream = new EventStream();
  fake.on(EVENTS, stream.response);
  const cancelled = batch(7, 'cancelled', [item('ada', 'done'), item('bo', 'cancelled')]);
  fake.on(`DELETE ${BATCH}`, cancelled);
  await take();
  const first = batches.cancel('math', 7);
  expect(batches.all[0].asked).toBe('cancel');
  await Promise.all([first, batches.cancel('math', 7)]);
  expect(fake.count(`DELETE ${BATCH}`)).toBe(1);
  expect(batches.all[0]).toMatchObject({ asked: null, error: null });
  expect(ended).toEqual(['math 7 cancelled']);
});

test('a refusal is kept beside the batch', async () => {
  fake.on(EVENTS, new EventStream().response);
  fake.on(`DELETE ${BATCH}`, () => json({ message: 'Another process runs it.' }, 409));
  await take();
  await batches.cancel('math', 7);
  expect(batches.all[0].error?.message).toBe('Another process runs it.');
  expect(batches.running).toHaveLength(1);
});

test('retry runs what failed and follows it again', async () => {
  const first = new EventStream();
  const second = new EventStream();
  const streams = [first.response, second.response];
  fake.on(EVENTS, () => streams.shift());
  await take();
  first.send('end', FAILED);
  await until(() => ended.length === 1, 'the first end');
  expect(count(batches.all[0].batch, 'failed')).toBe(1);

  fake.on(`POST ${BATCH}/retry`, batch(7, 'running', [item('ada', 'done'), item('bo', 'queued')]));
  await batches.retry('math', 7);
  expect(batches.running).toHaveLength(1);
  second.send('end', DONE);
  await until(() => ended.length === 2, 'the second end');
  expect(ended).toEqual(['math 7 failed', 'math 7 done']);
});

test('a batch of the past can be shown, and closed', async () => {
  fake.on(`GET ${BATCH}`, FAILED);
  await batches.show('math', 7);
  await batches.show('math', 7);
  expect(batches.of('math')).toHaveLength(1);
  expect(batches.of('phys101')).toHaveLength(0);
  expect(fake.count(`GET ${BATCH}`)).toBe(1);
  expect(ended).toEqual([]);
  batches.dismiss('math', 7);
  expect(batches.all).toEqual([]);
});

test('what runs is found again, once', async () => {
  fake.on(EVENTS, new EventStream().response);
  fake.on(`GET ${COURSE}/batches`, [RUNNING, { ...DONE, id: 6 }]);
  await batches.resume('math');
  await batches.resume('math');
  expect(batches.all.map(each => each.batch.id)).toEqual([7]);
  await settle();
  expect(fake.count(EVENTS)).toBe(1);
});

test('the connection is closed when the model is disposed of', async () => {
  let aborted = false;
  fake.on(EVENTS, (request: Request) => {
    request.signal.addEventListener('abort', () => {
      aborted = true;
    });
    return new EventStream().response;
  });
  await take();
  await until(() => fake.count(EVENTS) === 1);
  batches.dispose();
  expect(aborted).toBe(true);
});
