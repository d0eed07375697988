/** What the list of files shows: a folder of a snapshot, and what is wrong with files in it. */

import { VDomModel } from '@jupyterlab/ui-components';
import type { SnapshotsModel } from '../../model';
import type { IEntry, IPlace, IProblem, ISnapshotDetail } from '../../tokens';
import { BY_NAME, sortAfterClick, sortEntries } from './listing';
import type { ISort, SortKey } from './listing';

/** The folder at the panel's place. */
export class FilesModel extends VDomModel {
  constructor(snapshots: SnapshotsModel) {
    super();
    this._snapshots = snapshots;
    snapshots.placeChanged.connect(this._onPlaceChanged, this);
    this._onPlaceChanged(snapshots, snapshots.place);
  }

  /** The place that is shown; its path is a folder's. */
  get place(): IPlace | null {
    return this._place;
  }

  /** Sorted; null while they are asked for. */
  get entries(): readonly IEntry[] | null {
    return this._entries;
  }

  /** The snapshot itself; null until it is known. */
  get detail(): ISnapshotDetail | null {
    return this._detail;
  }

  get error(): Error | null {
    return this._error;
  }

  get loading(): boolean {
    return this._loading;
  }

  get sort(): ISort {
    return this._sort;
  }

  /** What the focus should be on after the folder was shown: the one that was left, or a file. */
  get wanted(): string | null {
    return this._wanted;
  }

  /** Has what is shown next take the keyboard's focus, unless the place is changed before. */
  keepFocus(): void {
    this._focus = true;
  }

  /** Whether what is shown now takes the focus; asked once. */
  takesFocus(): boolean {
    const focus = this._focus;
    this._focus = false;
    return focus;
  }

  /** What the capture noted about a file of this folder. */
  problem(entry: IEntry): IProblem | null {
    return this._problems.get(entry.path) ?? null;
  }

  /** What should be in this folder but could not be captured. */
  get missing(): readonly IProblem[] {
    return this._missing;
  }

  sortBy(key: SortKey): void {
    this._sort = sortAfterClick(this._sort, key);
    this._entries = this._entries && sortEntries(this._entries, this._sort);
    this.stateChanged.emit();
  }

  /** Shows another folder of the snapshot; the keyboard's focus goes with it. */
  goTo(path: string): void {
    const place = this._place;
    if (!place) {
      return;
    }
    this._isGoing = true;
    try {
      this._snapshots.showPlace({ ...place, path });
    } finally {
      this._isGoing = false;
    }
  }

  /** Shows the folder above, if there is one. */
  up(): void {
    if (this._place?.path) {
      this.goTo(parentOf(this._place.path));
    }
  }

  /** Asks for the folder again. */
  async refresh(): Promise<void> {
    const place = this._place;
    if (!place) {
      return;
    }
    this._error = null;
    this._loading = true;
    this.stateChanged.emit();
    try {
      const [entries, detail] = await Promise.all([this._tree(place), this._ofSnapshot(place)]);
      if (place === this._place) {
        this._entries = sortEntries(entries, this._sort);
        this._detail = detail;
        this._note(detail, entries);
      }
    } catch (reason) {
      if (place === this._place) {
        this._entries = null;
        this._error = reason as Error;
      }
    } finally {
      if (place === this._place && !this.isDisposed) {
        this._loading = false;
        this.stateChanged.emit();
      }
    }
  }

  /** The folder's list; of a file, the list of the folder it is in. */
  private async _tree(place: IPlace): Promise<IEntry[]> {
    const { api } = this._snapshots;
    const above = { ...place, path: parentOf(place.path) };
    const name = place.path.slice(place.path.lastIndexOf('/') + 1);
    let failure: Error | null = null;
    // Most names with a dot are files: asking for them as folders would only be refused.
    if (!name.includes('.', 1)) {
      try {
        return await api.tree(place);
      } catch (reason) {
        const isMissing = (reason as { code?: string }).code === 'file_not_found';
        if (!isMissing || !place.path) {
          throw reason;
        }
        failure = reason as Error;
      }
    }
    const entries = await api.tree(above);
    const found = entries.find(entry => entry.path === place.path);
    if (!found && failure) {
      throw failure;
    }
    if (!found || found.type === 'folder') {
      return api.tree(place);
    }
    if (place === this._place) {
      this._wanted = place.path;
      Object.assign(place, above);
    }
    return entries;
  }

  /** The snapshot's own record. What it says is an addition: without it the files still show. */
  private async _ofSnapshot(place: IPlace): Promise<ISnapshotDetail | null> {
    const known = this._detail;
    if (known?.name === place.snapshot && known.student === place.student) {
      return known;
    }
    return this._snapshots.api.snapshot(place).catch(() => null);
  }

  private _note(detail: ISnapshotDetail | null, entries: readonly IEntry[]): void {
    const folder = this._place?.path ?? '';
    const here = (detail?.problems ?? []).filter(each => parentOf(each.path) === folder);
    const there = new Set(entries.map(entry => entry.path));
    this._problems = new Map(here.map(each => [each.path, each]));
    this._missing = here.filter(each => each.path !== folder && !there.has(each.path));
  }

  private _onPlaceChanged(_: SnapshotsModel, place: IPlace | null): void {
    const before = this._place;
    const isSameSnapshot =
      before !== null &&
      place !== null &&
      before.course === place.course &&
      before.student === place.student &&
      before.snapshot === place.snapshot;
    // Going up, the focus comes back to the folder that was left.
    const cameUp = isSameSnapshot && before.path.startsWith(place.path ? `${place.path}/` : '');
    this._wanted = cameUp && before.path ? childOf(place.path, before.path) : null;
    if (!isSameSnapshot) {
      this._detail = null;
    }
    // A place that comes from elsewhere is none to take the focus from whoever is there.
    this._focus = this._isGoing;
    this._place = place ? { ...place } : null;
    this._entries = null;
    this._problems.clear();
    this._missing = [];
    this._error = null;
    this.stateChanged.emit();
    void this.refresh();
  }

  private readonly _snapshots: SnapshotsModel;
  private _place: IPlace | null = null;
  private _entries: readonly IEntry[] | null = null;
  private _detail: ISnapshotDetail | null = null;
  private _problems = new Map<string, IProblem>();
  private _missing: readonly IProblem[] = [];
  private _error: Error | null = null;
  private _loading = false;
  private _sort: ISort = BY_NAME;
  private _wanted: string | null = null;
  private _focus = false;
  private _isGoing = false;
}

/** The folder that a path is in; empty for the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** The path directly in the folder on the way to what is deeper below it. */
function childOf(folder: string, deeper: string): string {
  const start = folder ? folder.length + 1 : 0;
  const end = deeper.indexOf('/', start);
  return end < 0 ? deeper : deeper.slice(0, end);
}
