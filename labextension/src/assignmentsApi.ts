/** The calls of the service's API about documents, assignments and the dates of students. */

import type { SnapshotsApi } from './api';
import type {
  IAccommodation,
  IAccommodationFields,
  IAssignment,
  IAssignmentFields,
  IAssignmentsOverview,
  IAssignmentSnapshot,
  IDelivery,
  IDocument,
  IExtension,
  IGrid,
  IMemberIds,
  IPreview,
  PreviewChange
} from './assignmentTokens';
import type { IDeadline } from './deadlineTokens';

/** See the module. */
export class AssignmentsApi {
  constructor(private readonly _api: SnapshotsApi) {}

  overview(course: string): Promise<IAssignmentsOverview> {
    return this._api.json(this._url(course, 'overview/assignments'));
  }

  grid(course: string): Promise<IGrid> {
    return this._api.json(this._url(course, 'overview/grid'));
  }

  assignment(course: string, id: number): Promise<IAssignment> {
    return this._api.json(this._url(course, `assignments/${id}`));
  }

  /** The answer is the new assignment's id. */
  create(course: string, fields: IAssignmentFields): Promise<number> {
    return this._api.json(this._url(course, 'assignments'), 'POST', fields);
  }

  /** Changes what is given; null clears. */
  change(course: string, id: number, fields: IAssignmentFields): Promise<IAssignment> {
    return this._api.json(this._url(course, `assignments/${id}`), 'PATCH', fields);
  }

  async remove(course: string, id: number): Promise<void> {
    await this._api.request(this._url(course, `assignments/${id}`), { method: 'DELETE' });
  }

  /** Who would move; nothing is saved. */
  preview(course: string, change: PreviewChange): Promise<IPreview> {
    return this._api.json(this._url(course, 'deadlines/preview'), 'POST', change);
  }

  /** The deadline of one student with its steps. */
  async deadline(course: string, assignment: number, student: string): Promise<IDeadline | null> {
    const asked = { assignment, student: this.refOf(course, student) };
    const found = await this._api.json<IDeadline[]>(this._url(course, 'deadlines', asked));
    return found[0] ?? null;
  }

  /** What was captured for an assignment. */
  captured(course: string, assignment: number): Promise<IAssignmentSnapshot[]> {
    return this._api.json(this._url(course, 'snapshots', { assignment }));
  }

  /** The caller's own documents. */
  documents(): Promise<IDocument[]> {
    return this._api.json(this._documents());
  }

  /** Makes a document with nothing in it; the answer is its id. */
  addDocument(filename: string): Promise<number> {
    return this._api.json(this._documents(), 'POST', { filename });
  }

  /** Replaces what is in a document; the service keeps what was there. */
  async fillDocument(id: number, contents: Blob): Promise<void> {
    await this._api.request(this._documents(`/${id}/data`), {
      method: 'PUT',
      body: contents,
      headers: { 'Content-Type': 'application/octet-stream' }
    });
  }

  /** Puts the document into the homes of some students, or of all, now. */
  deliver(course: string, id: number, students?: readonly string[]): Promise<IDelivery[]> {
    const body = students ? { students: students.map(each => this.refOf(course, each)) } : {};
    return this._api.json(this._url(course, `assignments/${id}/deliveries`), 'POST', body);
  }

  deliveries(course: string, id: number): Promise<IDelivery[]> {
    return this._api.json(this._url(course, `assignments/${id}/deliveries`));
  }

  extensions(course: string, student: string): Promise<IExtension[]> {
    return this._api.json(this._student(course, student, 'extensions'));
  }

  /** Every extension of an assignment, with the user ids of `members`. */
  extensionsOn(course: string, assignment: number): Promise<IExtension[]> {
    return this._api.json(this._url(course, `assignments/${assignment}/extensions`));
  }

  /** Students of the course with their ids. */
  members(course: string): Promise<IMemberIds[]> {
    return this._api.json(this._url(course, 'students'));
  }

  /** Gives a student another date, or none: null excuses. */
  async extend(
    course: string,
    student: string,
    onAssignment: number,
    until: string | null
  ): Promise<void> {
    const url = this._student(course, student, 'extensions');
    await this._api.json(url, 'POST', { onAssignment, until });
  }

  /** The student has the date of the class again. */
  async removeExtension(course: string, student: string, id: number): Promise<void> {
    const url = this._student(course, student, `extensions/${id}`);
    await this._api.request(url, { method: 'DELETE' });
  }

  accommodation(course: string, student: string): Promise<IAccommodation> {
    return this._api.json(this._student(course, student, 'accommodations'));
  }

  accommodate(
    course: string,
    student: string,
    fields: IAccommodationFields
  ): Promise<IAccommodation> {
    return this._api.json(this._student(course, student, 'accommodations'), 'PATCH', fields);
  }

  /** What stands for a student where the service takes an id or a username. */
  refOf(course: string, student: string): string | number {
    return this._api.links.idOf(course, student) ?? student;
  }

  private _url(
    course: string,
    rest: string,
    query: { [name: string]: string | number | null } = {}
  ): string {
    const { links } = this._api;
    return links.apiUrl(`${links.courseApi(course)}/${rest}`, query);
  }

  private _student(course: string, student: string, rest: string): string {
    const { links } = this._api;
    return links.apiUrl(`${links.studentApi(course, student)}/${rest}`);
  }

  private _documents(rest = ''): string {
    const { links } = this._api;
    return links.apiUrl(`${links.callerApi()}/documents${rest}`);
  }
}
