import { ServerConnection } from '@jupyterlab/services';
import { ApiError, NETWORK_ERROR, SnapshotsApi, UNREADABLE_ANSWER } from '../api';
import { readEvents } from '../events';
import { EventStream, FakeServer, INA, OK, stream } from './samples';

const PLACE = { course: 'math', student: 'ada', snapshot: 'w_2026-01-01', path: '' };
const COURSE = 'api/v1/instructors/ina/courses/math';
const SNAPSHOT = `${COURSE}/students/ada/snapshots/w_2026-01-01`;

function server(): { fake: FakeServer; api: SnapshotsApi } {
  const fake = new FakeServer();
  const { api } = fake;
  api.links.me = INA;
  return { fake, api };
}

async function failure(work: Promise<unknown>): Promise<ApiError> {
  const reason = await work.then(
    () => new Error('did not fail'),
    (error: Error) => error
  );
  expect(reason).toBeInstanceOf(ApiError);
  return reason as ApiError;
}

test.each<[string, string, (api: SnapshotsApi) => Promise<unknown>]>([
  ['GET', 'status', api => api.status()],
  ['GET', 'api/v1/users/me', api => api.me()],
  ['GET', `${COURSE}/overview/students`, api => api.students('math')],
  ['GET', `${COURSE}/overview/snapshots`, api => api.names('math')],
  ['GET', `${COURSE}/students/ada/snapshots`, api => api.snapshots('math', 'ada')],
  ['GET', 'api/v1/users/me/courses/writing/snapshots', api => api.snapshots('writing', 'ina')],
  [
    'GET',
    `${COURSE}/snapshots?name=w_2026-01-01`,
    api => api.snapshotsNamed('math', 'w_2026-01-01')
  ],
  ['GET', SNAPSHOT, api => api.snapshot(PLACE)],
  ['GET', `${SNAPSHOT}/tree`, api => api.tree(PLACE)],
  ['GET', `${SNAPSHOT}/tree?path=a%2Fb`, api => api.tree({ ...PLACE, path: 'a/b' })],
  ['GET', `${SNAPSHOT}/compare?with=v&limit=1000`, api => api.compareSnapshots(PLACE, 'v')],
  ['PATCH', SNAPSHOT, api => api.pin(PLACE, true)],
  ['DELETE', SNAPSHOT, api => api.deleteSnapshot(PLACE)],
  ['POST', `${COURSE}/snapshots`, api => api.take('math', { name: 'W', includeHidden: false })],
  ['GET', `${COURSE}/batches`, api => api.batches('math')],
  ['GET', `${COURSE}/batches/7`, api => api.batch('math', 7)],
  ['DELETE', `${COURSE}/batches/7`, api => api.cancelBatch('math', 7)],
  ['POST', `${COURSE}/batches/7/retry`, api => api.retryBatch('math', 7)],
  ['POST', `${COURSE}/reports/check`, api => api.checkReports('math', ['ada.html'])],
  ['POST', 'compare', api => api.compare(api.source(PLACE), null)],
  ['POST', 'copy', api => api.copy(api.source(PLACE), 'here')]
])('%s %s', async (method, path, call) => {
  const { fake, api } = server();
  fake.on(`${method} ${path}`, OK);
  await call(api);
  expect(fake.requests).toEqual([`${method} ${path}`]);
});

test('bodies are as the service wants them', async () => {
  const { fake, api } = server();
  fake.on('POST copy', {}).on(`POST ${COURSE}/snapshots`, {});
  await api.copy(api.source({ ...PLACE, path: 'a' }), 'to', 'keep_old');
  await api.take('math', { name: 'W', students: ['ada'], includeHidden: true });
  expect(fake.bodies).toEqual([
    {
      source: { api: SNAPSHOT.replace('api/v1/', ''), path: 'a' },
      target: 'to',
      existing: 'keep_old',
      below: 'files'
    },
    { name: 'W', students: ['ada'], includeHidden: true }
  ]);
});

test('the body of an error becomes an ApiError', async () => {
  const { fake, api } = server();
  const body = { message: 'It is there.', code: 'exists', details: { existing: ['a'] } };
  fake.on('POST copy', () => new Response(JSON.stringify(body), { status: 409 }));
  const error = await failure(api.copy(api.source(PLACE), 'to'));
  expect(error).toMatchObject({ ...body, status: 409 });
});

test('an error of somebody on the way has its status at least', async () => {
  const { fake, api } = server();
  fake.on(
    'GET status',
    () => new Response('<html>Bad', { status: 502, statusText: 'Bad Gateway' })
  );
  expect(await failure(api.status())).toMatchObject({
    message: '502 Bad Gateway',
    code: 'http_502',
    details: {}
  });
});

test('an answer that is no JSON', async () => {
  const { fake, api } = server();
  fake.on('GET status', () => new Response('<html>Hello'));
  expect((await failure(api.status())).code).toBe(UNREADABLE_ANSWER);
});

test('a server that is gone', async () => {
  const api = new SnapshotsApi({
    serverSettings: ServerConnection.makeSettings({
      fetch: () => Promise.reject(new TypeError('Failed to fetch'))
    })
  });
  expect((await failure(api.status())).code).toBe(NETWORK_ERROR);
});

test('events come one by one, however the bytes were cut', async () => {
  const { fake, api } = server();
  const source = new EventStream();
  fake.on(`GET ${COURSE}/batches/7/events`, source.response);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of api.batchEvents('math', 7, new AbortController().signal)) {
      seen.push(`${event.event}=${event.data}`);
    }
  })();
  source.sendText('event: items\nda');
  source.sendText('ta: [1]\n');
  source.sendText('\n: still running\n\nevent: end\r\ndata: {\r\ndata: }\r\n\r\nhalf');
  source.close();
  await reading;
  expect(seen).toEqual(['items=[1]', '=', 'end={\n}']);
});

test('leaving the events gives the connection back', async () => {
  let cancelled = false;
  const body = stream({
    start: controller => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: () => {
      cancelled = true;
    }
  });
  for await (const event of readEvents(body)) {
    expect(event.data).toBe('1');
    break;
  }
  expect(cancelled).toBe(true);
});
