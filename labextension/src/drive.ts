/** The files of snapshots as a drive of JupyterLab that can only be read. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents, ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { SnapshotsApi } from './api';
import { bytesAsBase64, bytesAsNotebook, bytesAsText, readWithin } from './fileContent';
import { placeOf } from './links';
import { DRIVE } from './tokens';
import type { IEntry, IPlace } from './tokens';

/** Files above this many bytes are downloaded, not opened: a browser's tab would stall. */
export const MAX_OPEN_BYTES = 50 * 1024 * 1024;

/** What a listing says of something whose time is not known. */
const NO_TIME = '1970-01-01T00:00:00Z';

/** The drive `Snapshots:<course>/<student>/<snapshot>/<path>`. */
export class SnapshotsDrive implements Contents.IDrive {
  constructor(options: SnapshotsDrive.IOptions) {
    this._api = options.api;
    this._registry = options.registry;
    this._trans = options.trans;
    this._maxBytes = options.maxBytes ?? MAX_OPEN_BYTES;
  }

  readonly name = DRIVE;

  get serverSettings(): ServerConnection.ISettings {
    return this._api.serverSettings;
  }

  /** Never emitted: nothing changes in a snapshot. */
  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  /** A file, a notebook or a folder; above the snapshots the folders are courses and students. */
  async get(localPath: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    await this._whoIsCalling();
    const path = localPath.replace(/^\/+|\/+$/g, '');
    const place = placeOf(path);
    if (!place) {
      return folderModel(path, NO_TIME, options.content ? await this._above(path) : null);
    }
    if (options.type === 'directory' || !place.path) {
      return this._folder(path, place, options);
    }
    if (options.content && options.type) {
      return this._file(path, place, options);
    }
    const entry = await this._entry(place);
    if (entry.type === 'folder') {
      return this._folder(path, place, options);
    }
    return options.content ? this._file(path, place, options) : this._entryModel(path, entry);
  }

  /** Where the browser itself downloads a file from, or a folder as a zip. */
  async getDownloadUrl(localPath: string): Promise<string> {
    await this._whoIsCalling();
    const place = placeOf(localPath);
    if (!place) {
      throw new Error(this._trans.__('Choose a snapshot first: this is not inside one.'));
    }
    const { links } = this._api;
    return place.path ? links.fileUrl(place) : links.archiveUrl(place);
  }

  newUntitled(): Promise<Contents.IModel> {
    return this._refuse();
  }

  delete(): Promise<void> {
    return this._refuse();
  }

  rename(): Promise<Contents.IModel> {
    return this._refuse();
  }

  save(): Promise<Contents.IModel> {
    return this._refuse();
  }

  copy(): Promise<Contents.IModel> {
    return this._refuse();
  }

  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return this._refuse();
  }

  listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }

  restoreCheckpoint(): Promise<void> {
    return this._refuse();
  }

  deleteCheckpoint(): Promise<void> {
    return this._refuse();
  }

  private _refuse(): Promise<never> {
    return Promise.reject(
      new Error(this._trans.__("Snapshots can't be changed. Use Copy to my files."))
    );
  }

  /** A tab that is restored with the page asks before the panel has greeted the service. */
  private async _whoIsCalling(): Promise<void> {
    const { links } = this._api;
    links.me ??= await this._api.me();
  }

  /** The folders above the snapshots: courses, students of one, snapshots of one. */
  private async _above(path: string): Promise<Contents.IModel[]> {
    const { me } = this._api.links;
    const [course, student] = path.split('/');
    if (!course) {
      return (me?.courses ?? []).map(each => folderModel(each.code, NO_TIME, null));
    }
    if (!student) {
      if (this._api.links.isOwn(course)) {
        return [folderModel(`${course}/${me?.username}`, NO_TIME, null)];
      }
      const rows = await this._api.students(course);
      return rows.map(row =>
        folderModel(`${course}/${row.username}`, row.newest?.endedAt ?? NO_TIME, null)
      );
    }
    const found = await this._api.snapshots(course, student);
    return found.map(each => folderModel(`${path}/${each.name}`, each.endedAt ?? NO_TIME, null));
  }

  private async _folder(
    path: string,
    place: IPlace,
    options: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    if (!options.content) {
      return folderModel(path, NO_TIME, null);
    }
    const entries = await this._api.tree(place);
    const content = entries.map(entry => this._entryModel(`${path}/${entry.name}`, entry));
    return folderModel(path, NO_TIME, content);
  }

  private async _file(
    path: string,
    place: IPlace,
    options: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    const response = await this._api.file(place);
    const bytes = await readWithin(response, this._maxBytes);
    if (!bytes) {
      const limit = Math.round(this._maxBytes / (1024 * 1024));
      throw new Error(
        this._trans.__('The file is larger than %1 MB. Download it to open it elsewhere.', limit)
      );
    }
    const fileType = this._fileType(path);
    const type = options.type ?? fileType?.contentType ?? 'file';
    const modified = response.headers.get('Last-Modified');
    const base = {
      ...this._model(path, type, modified ? new Date(modified).toISOString() : NO_TIME),
      size: bytes.length
    };
    if (type === 'notebook') {
      return { ...base, mimetype: '', format: 'json', content: this._notebook(bytes) };
    }
    const wanted = options.format ?? fileType?.fileFormat ?? null;
    const text = wanted === 'base64' ? null : bytesAsText(bytes);
    if (text === null && wanted !== 'base64' && options.format) {
      throw new Error(
        this._trans.__('The file is not text in UTF-8. Download it to open it elsewhere.')
      );
    }
    const mimetype =
      fileType?.mimeTypes[0] ?? (text === null ? 'application/octet-stream' : 'text/plain');
    return text === null
      ? { ...base, mimetype, format: 'base64', content: await bytesAsBase64(bytes) }
      : { ...base, mimetype, format: 'text', content: text };
  }

  private _notebook(bytes: Uint8Array): unknown {
    const found = bytesAsNotebook(bytes);
    if (found.notebook) {
      return found.notebook;
    }
    throw new Error(
      found.problem === 'old'
        ? this._trans.__(
            'The notebook is in an older format. Use Copy to my files and open the copy, or download it.'
          )
        : this._trans.__(
            'The notebook is damaged: it is not valid JSON. Open it as text with Open With > Editor, or download it.'
          )
    );
  }

  /** What the folder above says of a place. */
  private async _entry(place: IPlace): Promise<IEntry> {
    const end = place.path.lastIndexOf('/');
    const entries = await this._api.tree({ ...place, path: place.path.slice(0, Math.max(end, 0)) });
    const found = entries.find(each => each.path === place.path);
    if (!found) {
      throw new Error(this._trans.__('The snapshot has no %1.', place.path));
    }
    if (found.type === 'link' || found.type === 'special') {
      throw new Error(
        this._trans.__('%1 is a link or a special file: it has no content of its own.', found.name)
      );
    }
    return found;
  }

  private _entryModel(path: string, entry: IEntry): Contents.IModel {
    const modified = entry.modifiedAt ?? NO_TIME;
    if (entry.type === 'folder') {
      return folderModel(path, modified, null);
    }
    const fileType = entry.type === 'file' ? this._fileType(path) : undefined;
    const model = this._model(path, fileType?.contentType ?? 'file', modified);
    return {
      ...model,
      mimetype: fileType?.mimeTypes[0] ?? '',
      format: null,
      content: null,
      size: entry.size
    };
  }

  private _model(path: string, type: string, modified: string) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return { name, path, type, writable: false, created: modified, last_modified: modified };
  }

  private _fileType(path: string): DocumentRegistry.IFileType | undefined {
    return this._registry.getFileTypesForPath(path)[0];
  }

  private readonly _api: SnapshotsApi;
  private readonly _registry: Pick<DocumentRegistry, 'getFileTypesForPath'>;
  private readonly _trans: TranslationBundle;
  private readonly _maxBytes: number;
  private readonly _fileChanged = new Signal<this, Contents.IChangedArgs>(this);
  private _isDisposed = false;
}

/** Options of the drive. */
export namespace SnapshotsDrive {
  export interface IOptions {
    api: SnapshotsApi;
    /** Of the application; says which viewer and format a file wants. */
    registry: Pick<DocumentRegistry, 'getFileTypesForPath'>;
    trans: TranslationBundle;
    /** Largest file that is opened. */
    maxBytes?: number;
  }
}

function folderModel(
  path: string,
  modified: string,
  content: Contents.IModel[] | null
): Contents.IModel {
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    type: 'directory',
    writable: false,
    created: modified,
    last_modified: modified,
    mimetype: '',
    format: content ? 'json' : null,
    content
  };
}
