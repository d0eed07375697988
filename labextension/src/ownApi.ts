/** The calls about a student's own assignments. */

import type { SnapshotsApi } from './api';
import type { IOwnAssignment } from './ownTokens';

/** See the module; each rejects with an `ApiError`. */
export class OwnApi {
  constructor(private readonly _api: SnapshotsApi) {}

  /** Those that the student may see. */
  assignments(course: string): Promise<IOwnAssignment[]> {
    return this._api.json(this._url(course));
  }

  /** Opens one: its clock starts now, unless it runs already. */
  open(course: string, id: number, password: string): Promise<IOwnAssignment> {
    return this._api.json(this._url(course, `/${id}/open`), 'POST', { password });
  }

  /** Opens one that is not in the list. */
  openHidden(course: string, title: string, password: string): Promise<IOwnAssignment> {
    return this._api.json(this._url(course, '/open'), 'POST', { title, password });
  }

  private _url(course: string, rest = ''): string {
    const { links } = this._api;
    return links.apiUrl(`${links.courseApi(course)}/assignments${rest}`);
  }
}
