/** The service's API as typed calls, and the one way in which this package asks the network. */

import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ServerClock } from './clock';
import { Links } from './links';
import { readEvents } from './events';
import type { IServerEvent } from './events';
import type {
  Difference,
  IBatch,
  IBatchSummary,
  IComparison,
  ICopied,
  IEntry,
  IMe,
  INames,
  IPlace,
  IReportCheck,
  ISnapshot,
  ISnapshotDetail,
  ISourceRef,
  IStatus,
  IStudentRow,
  SideRef
} from './tokens';

/** Something that did not work; `message` is text for a person, `code` is stable. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
    readonly details: { [key: string]: unknown } = {}
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Codes that this file itself gives to errors that came without one. */
export const NETWORK_ERROR = 'network_error';
export const UNREADABLE_ANSWER = 'unreadable_answer';

/** A snapshot to be taken. */
export interface INewBatch {
  name: string;
  /** Usernames; the whole class when left out. */
  students?: readonly string[];
  includeHidden: boolean;
}

/** Calls of the service through the user's own server. */
export class SnapshotsApi {
  constructor(options: SnapshotsApi.IOptions) {
    this.serverSettings = options.serverSettings;
    this.links = options.links ?? new Links(options.serverSettings.baseUrl);
    this._trans = options.trans ?? nullTranslator.load('jupyterhub_snapshots');
  }

  readonly serverSettings: ServerConnection.ISettings;
  readonly links: Links;
  /** The time as the answers tell it. */
  readonly clock = new ServerClock();

  /** The one handshake: is the service there, and does it talk like us? */
  status(): Promise<IStatus> {
    return this.json(this.links.extensionUrl('status'));
  }

  me(): Promise<IMe> {
    return this.json(this.links.apiUrl('users/me'));
  }

  students(course: string): Promise<IStudentRow[]> {
    return this.json(this.links.apiUrl(`${this.links.courseApi(course)}/overview/students`));
  }

  names(course: string): Promise<INames> {
    return this.json(this.links.apiUrl(`${this.links.courseApi(course)}/overview/snapshots`));
  }

  /** Snapshots of one student, newest first; in a course where one is a student, one's own. */
  snapshots(course: string, student: string): Promise<ISnapshot[]> {
    return this.json(this.links.apiUrl(`${this.links.studentApi(course, student)}/snapshots`));
  }

  /** Snapshots of one name over the class, by student. */
  snapshotsNamed(course: string, name: string): Promise<ISnapshot[]> {
    return this.json(this.links.apiUrl(`${this.links.courseApi(course)}/snapshots`, { name }));
  }

  snapshot(place: IPlace): Promise<ISnapshotDetail> {
    return this.json(this.links.apiUrl(this._snapshot(place)));
  }

  pin(place: IPlace, pinned: boolean): Promise<ISnapshot> {
    return this.json(this.links.apiUrl(this._snapshot(place)), 'PATCH', { pinned });
  }

  async deleteSnapshot(place: IPlace): Promise<void> {
    await this.json(this.links.apiUrl(this._snapshot(place)), 'DELETE');
  }

  /** What is in the folder at the place. */
  tree(place: IPlace): Promise<IEntry[]> {
    return this.json(
      this.links.apiUrl(`${this._snapshot(place)}/tree`, { path: place.path || null })
    );
  }

  /** The file at the place, for a viewer; downloads are links instead. */
  file(place: IPlace): Promise<Response> {
    return this.request(this.links.fileUrl(place), { method: 'GET' });
  }

  /** What changed in the place's snapshot since the older one named `base`. */
  compareSnapshots(place: IPlace, base: string, limit = 1000): Promise<IComparison> {
    return this.json(this.links.apiUrl(`${this._snapshot(place)}/compare`, { with: base, limit }));
  }

  /** The contents of two files (or notebooks) and how they differ. */
  compare(base: SideRef, other: SideRef): Promise<Difference> {
    return this.json(this.links.extensionUrl('compare'), 'POST', { base, other });
  }

  /**
   * Copies out of a snapshot into one's own files; 409 `exists` when something is there. The target
   * is below what JupyterLab shows, or below the home, as paths of snapshots are.
   */
  copy(
    source: ISourceRef,
    target: string,
    existing: 'ask' | 'keep_old' = 'ask',
    below: 'files' | 'home' = 'files'
  ): Promise<ICopied> {
    const body = { source, target, existing, below };
    return this.json(this.links.extensionUrl('copy'), 'POST', body);
  }

  /** What a `ISourceRef` or a side of a comparison has for a place of a snapshot. */
  source(place: IPlace): ISourceRef {
    return { api: this._snapshot(place), path: place.path };
  }

  take(course: string, wanted: INewBatch): Promise<IBatch> {
    const url = this.links.apiUrl(`${this.links.courseApi(course)}/snapshots`);
    return this.json(url, 'POST', wanted);
  }

  /** The newest batches of the course, without their items. */
  batches(course: string): Promise<IBatchSummary[]> {
    return this.json(this.links.apiUrl(`${this.links.courseApi(course)}/batches`));
  }

  batch(course: string, id: number): Promise<IBatch> {
    return this.json(this._batch(course, id));
  }

  cancelBatch(course: string, id: number): Promise<IBatch> {
    return this.json(this._batch(course, id), 'DELETE');
  }

  retryBatch(course: string, id: number): Promise<IBatch> {
    return this.json(this._batch(course, id, '/retry'), 'POST');
  }

  /** What happens in a batch as it happens; ends when the server or the signal ends it. */
  async *batchEvents(
    course: string,
    id: number,
    signal: AbortSignal
  ): AsyncGenerator<IServerEvent> {
    const response = await this.request(this._batch(course, id, '/events'), {
      method: 'GET',
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      signal
    });
    if (!response.body) {
      throw new ApiError(
        this._trans.__('The answer can not be read as it arrives.'),
        UNREADABLE_ANSWER,
        response.status
      );
    }
    yield* readEvents(response.body);
  }

  /** What would happen to these files if they were returned; nothing is written. */
  checkReports(course: string, files: readonly string[]): Promise<IReportCheck[]> {
    const url = this.links.apiUrl(`${this.links.courseApi(course)}/reports/check`);
    return this.json(url, 'POST', { files });
  }

  /** Puts a file into the top of a student's home; the answer is the name it got. */
  async returnReport(course: string, student: string, file: Blob, name: string): Promise<string> {
    const form = new FormData();
    form.append('file', file, name);
    const url = this.links.apiUrl(`${this.links.studentApi(course, student)}/reports`);
    const response = await this.request(url, { method: 'POST', body: form });
    return (await response.json()) as string;
  }

  private _snapshot(place: IPlace): string {
    return this.links.snapshotApi(place.course, place.student, place.snapshot);
  }

  private _batch(course: string, id: number, rest = ''): string {
    return this.links.apiUrl(`${this.links.courseApi(course)}/batches/${id}${rest}`);
  }

  /** What a URL of `links` answers; rejects with an `ApiError`. */
  async json<T>(url: string, method = 'GET', body?: unknown): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await this.request(url, init);
    this.clock.hear(response.headers.get('Date'));
    try {
      return (await response.json()) as T;
    } catch {
      throw new ApiError(
        this._trans.__('The server answered with something that is not JSON.'),
        UNREADABLE_ANSWER,
        response.status
      );
    }
  }

  /** The same for what is no JSON. */
  async request(url: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.serverSettings);
    } catch (reason) {
      if (reason instanceof ServerConnection.NetworkError) {
        // What the browser says of it is of no use to a person.
        const message = this._trans.__(
          'Your server can’t be reached. Look whether it still runs and whether you are online.'
        );
        throw new ApiError(message, NETWORK_ERROR, 0);
      }
      throw reason;
    }
    if (!response.ok) {
      throw await toError(response);
    }
    return response;
  }

  private readonly _trans: TranslationBundle;
}

/** The error that an answer stands for, whoever sent it: the service, the extension, a proxy. */
async function toError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) {
      const { message, code, details } = body as { [key: string]: unknown };
      return new ApiError(
        typeof message === 'string' && message ? message : fallback,
        typeof code === 'string' ? code : `http_${response.status}`,
        response.status,
        typeof details === 'object' && details !== null
          ? (details as { [key: string]: unknown })
          : undefined
      );
    }
  } catch {
    // Not JSON: a page of a proxy, of which the status is all that helps.
  }
  return new ApiError(fallback, `http_${response.status}`, response.status);
}

/** Options of `SnapshotsApi`. */
export namespace SnapshotsApi {
  export interface IOptions {
    /** Of the application's service manager. */
    serverSettings: ServerConnection.ISettings;
    links?: Links;
    /** Of what this file says itself. */
    trans?: TranslationBundle;
  }
}
