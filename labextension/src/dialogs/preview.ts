/** Asks who would move, while a person still types. */

import { VDomModel } from '@jupyterlab/ui-components';
import type { AssignmentsApi } from '../assignmentsApi';
import type { IMove, IPreview, PreviewChange } from '../assignmentTokens';

/** How long nothing is typed before it is asked, in milliseconds. */
const PAUSE = 350;

/** The effect of the newest change that was asked about. */
export class PreviewModel extends VDomModel {
  constructor(
    private readonly _api: AssignmentsApi,
    private readonly _course: string,
    private readonly _pause = PAUSE
  ) {
    super();
  }

  /** What was answered; null when nothing was asked, or it is not known yet. */
  get found(): IPreview | null {
    return this._found;
  }

  get loading(): boolean {
    return this._loading;
  }

  /** Why it could not be told, or null. */
  get error(): Error | null {
    return this._error;
  }

  /** Asks about a change; null for nothing to ask. */
  ask(change: PreviewChange | null): void {
    const key = JSON.stringify(change);
    if (key === this._key) {
      return;
    }
    this._key = key;
    const turn = ++this._turn;
    clearTimeout(this._timer);
    this._error = null;
    this._found = null;
    this._loading = change !== null;
    this.stateChanged.emit();
    if (change) {
      this._timer = setTimeout(() => void this._load(change, turn), this._pause);
    }
  }

  dispose(): void {
    clearTimeout(this._timer);
    this._turn += 1;
    super.dispose();
  }

  private async _load(change: PreviewChange, turn: number): Promise<void> {
    let found: IPreview | null = null;
    let error: Error | null = null;
    try {
      found = await this._api.preview(this._course, change);
    } catch (reason) {
      error = reason as Error;
    }
    if (turn === this._turn) {
      this._found = found;
      this._error = error;
      this._loading = false;
      this.stateChanged.emit();
    }
  }

  private _key = 'null';
  private _turn = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _loading = false;
  private _found: IPreview | null = null;
  private _error: Error | null = null;
}

/** Which of its instants a move is about: the first that differs. */
export function movedInstant(move: IMove): 'ends' | 'due' | 'closes' | null {
  const { before, after } = move;
  return (['ends', 'due', 'closes'] as const).find(key => before[key] !== after[key]) ?? null;
}
