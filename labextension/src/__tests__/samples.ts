/** Data as the service sends it, and a stand-in for the network. */

import { ServerConnection } from '@jupyterlab/services';
import { SnapshotsApi } from '../api';
import type { IBatch, IBatchItem, IMe, INameRow, ISnapshot, IStatus, IStudentRow } from '../tokens';

export const OK: IStatus = { state: 'ok', message: '', version: '1', serviceVersion: '1' };

export const INA: IMe = {
  username: 'ina',
  admin: false,
  courses: [
    { code: 'math', title: 'Mathematics', timeZone: 'UTC', role: 'instructor' },
    { code: 'phys101', title: 'Physics 101', timeZone: 'Europe/Berlin', role: 'instructor' },
    { code: 'writing', title: 'Writing', timeZone: 'UTC', role: 'student' }
  ]
};

export function student(username: string, more: Partial<IStudentRow> = {}): IStudentRow {
  return {
    id: null,
    username,
    canvasId: null,
    firstName: '',
    lastName: '',
    active: true,
    role: more.active === false ? null : 'student',
    snapshots: 0,
    newest: null,
    lastFailure: null,
    ...more
  };
}

export function snapshot(who: string, name: string, more: Partial<ISnapshot> = {}): ISnapshot {
  return {
    student: who,
    name,
    state: 'complete',
    beganAt: '2026-11-01T10:00:00Z',
    endedAt: '2026-11-01T10:00:05Z',
    files: 3,
    bytes: 2048,
    copiedBytes: 1024,
    changedFiles: 0,
    problemCount: 0,
    digest: null,
    pinned: false,
    batch: 1,
    createdBy: 'ina',
    ...more
  };
}

export function nameRow(name: string, more: Partial<INameRow> = {}): INameRow {
  return {
    name,
    taken: 1,
    complete: 1,
    incomplete: 0,
    other: 0,
    beganAt: '2026-11-01T10:00:00Z',
    endedAt: '2026-11-01T10:00:05Z',
    files: 3,
    bytes: 2048,
    copiedBytes: 1024,
    pinned: 0,
    batch: 1,
    ...more
  };
}

export function item(who: string, state: IBatchItem['state']): IBatchItem {
  return {
    student: who,
    state,
    attempts: 1,
    beganAt: null,
    endedAt: null,
    errorCode: state === 'failed' ? 'home_missing' : null,
    error: state === 'failed' ? 'There is no home.' : null,
    outcome: state === 'done' ? 'complete' : null,
    problemCount: 0,
    files: null,
    bytes: null,
    copiedBytes: null
  };
}

export function batch(id: number, state: IBatch['state'], items: IBatchItem[]): IBatch {
  const counts: { [state: string]: number } = {};
  items.forEach(each => {
    counts[each.state] = (counts[each.state] ?? 0) + 1;
  });
  return {
    id,
    name: 'week-1_2026-11-21',
    state,
    requestedBy: 'ina',
    requestedAt: '2026-11-21T10:00:00Z',
    includeHidden: false,
    counts,
    items
  };
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json' }
  });
}

// The page of the tests has no streams of its own.
const node = jest.requireActual<{ ReadableStream: typeof ReadableStream }>('stream/web');

/** A stream of bytes. */
export function stream(source: UnderlyingDefaultSource<Uint8Array>): ReadableStream<Uint8Array> {
  return new node.ReadableStream(source);
}

/** A stream of server-sent events that stays open until `close`, or until it is broken. */
export class EventStream {
  constructor() {
    const body = stream({
      start: controller => {
        this._controller = controller;
      }
    });
    this.response = { ok: true, status: 200, body } as Response;
  }

  readonly response: Response;

  send(event: string, data: unknown): void {
    this.sendText(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  sendText(text: string): void {
    this._controller.enqueue(new TextEncoder().encode(text));
  }

  close(): void {
    this._controller.close();
  }

  fail(): void {
    this._controller.error(new TypeError('connection lost'));
  }

  private _controller!: ReadableStreamDefaultController<Uint8Array>;
}

/** Answers requests by `METHOD path`, where the path is below the server extension. */
export class FakeServer {
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];

  /** What answers from now on; a function is asked each time. */
  on(route: string, answer: unknown): this {
    this._answers.set(route, answer);
    return this;
  }

  get api(): SnapshotsApi {
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/user/ina/',
      fetch: (input: RequestInfo) => this._answer(input as Request)
    });
    return new SnapshotsApi({ serverSettings });
  }

  /** How often a route was asked. */
  count(route: string): number {
    return this.requests.filter(each => each === route).length;
  }

  private async _answer(request: Request): Promise<Response> {
    const url = request.url
      .replace(/^.*\/jupyterhub-snapshots\//, '')
      // JupyterLab's own guard against caches.
      .replace(/[?&]\d+$/, '');
    const route = `${request.method} ${url}`;
    this.requests.push(route);
    if (request.method === 'POST' || request.method === 'PATCH') {
      this.bodies.push(
        await request.text().then(text => (text ? (JSON.parse(text) as unknown) : null))
      );
    }
    let answer = this._answers.get(route);
    if (typeof answer === 'function') {
      answer = await (answer as (request: Request) => unknown)(request);
    }
    if (answer === undefined) {
      return json({ message: `nothing at ${route}`, code: 'not_found' }, 404);
    }
    const isResponse = typeof answer === 'object' && answer !== null && 'ok' in answer;
    return isResponse ? (answer as Response) : json(answer);
  }

  private readonly _answers = new Map<string, unknown>();
}

/** Lets everything run that waits for nothing but promises and due timers. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise(resolve => setTimeout(resolve, 0));
  }
}

/** Waits until it is so; fails after two seconds. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const begun = Date.now();
  while (!condition()) {
    if (Date.now() - begun > 2000) {
      throw new Error(`Waited in vain until ${what} was so.`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
