/**
 * Addresses: of the service's API, of what the browser downloads by itself, and of the read-only
 * drive. Nothing here asks the network.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { DRIVE } from './tokens';
import type { IMe, IPlace } from './tokens';

/** Where the server extension lives below the base URL of the user's server. */
export const EXTENSION_PATH = 'jupyterhub-snapshots';

/** How a zip of the class is laid out. */
export type Layout = 'plain' | 'nbgrader';

/** Whether the percent-encoded text is one component that no server takes for another place. */
function component(text: string): string {
  if (!text || text === '.' || text === '..') {
    throw new Error(`"${text}" can't be part of an address.`);
  }
  return encode(text);
}

/** A byte of a name that is not UTF-8, as Python hands it over; never half of a pair. */
const BYTE = /((?<![\ud800-\udbff])[\udc80-\udcff])/;

/** Percent-encodes a text; bytes that are no UTF-8 stay the bytes that they are. */
function encode(text: string): string {
  const parts = text.split(BYTE);
  const byte = (part: string) => `%${(part.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}`;
  return parts.map((part, at) => (at % 2 ? byte(part) : encodeURIComponent(part))).join('');
}

/** Encodes each component of a relative path; empty stays empty. */
function encodePath(path: string): string {
  return path ? path.split('/').map(component).join('/') : '';
}

/** Addresses for one caller; `me` decides between a class and one's own snapshots. */
export class Links {
  /**
   * @param baseUrl Base URL of the user's own Jupyter server, from the server settings.
   */
  constructor(baseUrl: string) {
    this._base = URLExt.join(baseUrl, EXTENSION_PATH);
  }

  /** Who is calling; set by the model after the handshake. */
  me: IMe | null = null;

  /**
   * The id of a student whose username is a number: the service would take the name for an id. Set
   * by the model; null when it is not known.
   */
  idOf: (course: string, student: string) => number | null = () => null;

  /** Whether the caller sees only own snapshots in the course. */
  isOwn(course: string): boolean {
    const found = this.me?.courses.find(each => each.code === course);
    return found !== undefined ? found.role === 'student' : !this.me?.admin;
  }

  /** A course's address below `api/v1/`, percent-encoded, without slashes at its ends. */
  courseApi(course: string): string {
    if (this.isOwn(course)) {
      return `users/me/courses/${component(course)}`;
    }
    return `${this.callerApi()}/courses/${component(course)}`;
  }

  /** The caller's address as an instructor, below which the own documents are. */
  callerApi(): string {
    return `instructors/${component(this.me?.username ?? 'me')}`;
  }

  /** The address below which a student's snapshots are. */
  studentApi(course: string, student: string): string {
    const api = this.courseApi(course);
    if (this.isOwn(course)) {
      return api;
    }
    const id = /^[0-9]+$/.test(student) ? this.idOf(course, student) : null;
    return `${api}/students/${component(String(id ?? student))}`;
  }

  /** A snapshot's address below `api/v1/`: what a `ISourceRef` has as `api`. */
  snapshotApi(course: string, student: string, name: string): string {
    return `${this.studentApi(course, student)}/snapshots/${component(name)}`;
  }

  /** URL of a route of the server extension itself, such as `status` or `copy`. */
  extensionUrl(route: string): string {
    return `${this._base}/${route}`;
  }

  /** URL of an address below `api/v1/`; parameters that are null or undefined are left out. */
  apiUrl(
    address: string,
    query: { [name: string]: string | number | null | undefined } = {}
  ): string {
    const given = Object.entries(query).filter(
      ([, value]) => value !== null && value !== undefined
    );
    const url = `${this._base}/api/v1/${address}`;
    if (!given.length) {
      return url;
    }
    const text = given.map(([name, value]) => `${name}=${encode(String(value))}`);
    return `${url}?${text.join('&')}`;
  }

  /** Download of one file; the browser's own session is what lets it through. */
  fileUrl(place: IPlace): string {
    const api = this.snapshotApi(place.course, place.student, place.snapshot);
    return this.apiUrl(`${api}/files/${encodePath(place.path)}`);
  }

  /** Download of a snapshot as a zip, or of one of its folders when the place has a path. */
  archiveUrl(place: IPlace): string {
    const api = this.snapshotApi(place.course, place.student, place.snapshot);
    return this.apiUrl(`${api}/archive.zip`, { path: place.path || null });
  }

  /** Download of what proves a snapshot; `html` is a page to be printed instead. */
  receiptUrl(place: IPlace, html = false): string {
    const api = this.snapshotApi(place.course, place.student, place.snapshot);
    return this.apiUrl(`${api}/receipt${html ? '.html' : ''}`);
  }

  /** Download of the snapshots of one name over the class, or of the named students, as one zip. */
  classArchiveUrl(course: string, name: string, options: Links.IClassArchive = {}): string {
    const { layout, assignment, students } = options;
    return this.apiUrl(`${this.courseApi(course)}/archive.zip`, {
      name,
      layout: layout && layout !== 'plain' ? layout : null,
      assignment: layout === 'nbgrader' ? assignment || null : null,
      students: students?.length ? students.join(',') : null
    });
  }

  /** Download of what was captured last for an assignment, of the class or of the named students. */
  assignmentArchiveUrl(course: string, id: number, options: Links.IAssignmentArchive = {}): string {
    const { layout, late, students } = options;
    return this.apiUrl(`${this.courseApi(course)}/archive.zip`, {
      assignment: id,
      layout: layout && layout !== 'plain' ? layout : null,
      late: late ? 'true' : null,
      students: students?.length ? students.join(',') : null
    });
  }

  private readonly _base: string;
}

/** Options of `Links`' methods. */
export namespace Links {
  /** What a zip of the class holds. */
  export interface IClassArchive {
    layout?: Layout;
    /** Folder of the nbgrader layout; the snapshot's name without its date when left out. */
    assignment?: string;
    /** Usernames; everybody who has that snapshot when left out. */
    students?: readonly string[];
  }

  /** What a zip of an assignment holds. */
  export interface IAssignmentArchive {
    layout?: Layout;
    /** Late captures, too: the newest of a student is the one that counts. */
    late?: boolean;
    /** Usernames; everybody when left out. */
    students?: readonly string[];
  }
}

/** The path in the drive, `Snapshots:course/student/snapshot/path`. */
export function drivePath(place: IPlace): string {
  const parts = [place.course, place.student, place.snapshot];
  return `${DRIVE}:${[...parts, ...(place.path ? [place.path] : [])].join('/')}`;
}

/** The place of a path of the drive, with or without its name; null when it names no snapshot. */
export function placeOf(path: string): IPlace | null {
  const local = path.startsWith(`${DRIVE}:`) ? path.slice(DRIVE.length + 1) : path;
  const [course, student, snapshot, ...rest] = local.replace(/^\/+|\/+$/g, '').split('/');
  if (!course || !student || !snapshot) {
    return null;
  }
  return { course, student, snapshot, path: rest.join('/') };
}

/** Whether both are of the same snapshot, wherever in it. */
export function samePlace(one: IPlace, other: IPlace): boolean {
  return (
    one.course === other.course && one.student === other.student && one.snapshot === other.snapshot
  );
}

/** Has the browser download an address of this server, with its own progress and its own disk. */
export function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.style.display = 'none';
  document.body.appendChild(link);
  link.click();
  link.remove();
}
