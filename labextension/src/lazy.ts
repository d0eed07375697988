/** Lists that are asked for one by one when a person opens them. */

/** Keeps what was loaded under a key; an answer that came too late is thrown away. */
export class LazyLists<T> {
  /**
   * @param load Asks for the list of a key.
   * @param changed Told after each change of what `get` and `errorOf` say.
   */
  constructor(load: (key: string) => Promise<T[]>, changed: () => void) {
    this._load = load;
    this._changed = changed;
  }

  /** The list, or null when it was not loaded yet. */
  get(key: string): T[] | null {
    return this._lists.get(key) ?? null;
  }

  /** Why the last attempt to load the list failed, or null. */
  errorOf(key: string): Error | null {
    return this._errors.get(key) ?? null;
  }

  /** The keys that were loaded. */
  keys(): string[] {
    return [...this._lists.keys()];
  }

  /** Loads the list anew; while a request for it is under way there is no second one. */
  load(key: string): Promise<T[]> {
    const pending = this._pending.get(key);
    if (pending) {
      return pending;
    }
    const turn = this._turn;
    const current = () => turn === this._turn;
    const loading = this._load(key).then(
      list => {
        if (current()) {
          this._pending.delete(key);
          this._errors.delete(key);
          this._lists.set(key, list);
          this._changed();
        }
        return list;
      },
      (reason: Error) => {
        if (current()) {
          this._pending.delete(key);
          this._errors.set(key, reason);
          this._changed();
        }
        throw reason;
      }
    );
    this._pending.set(key, loading);
    return loading;
  }

  /** Replaces one loaded item. */
  replace(key: string, matches: (item: T) => boolean, item: T): void {
    const list = this._lists.get(key);
    if (list) {
      this._lists.set(
        key,
        list.map(each => (matches(each) ? item : each))
      );
      this._changed();
    }
  }

  /** Forgets everything, answers under way included. */
  clear(): void {
    this._turn += 1;
    this._lists.clear();
    this._errors.clear();
    this._pending.clear();
  }

  private readonly _load: (key: string) => Promise<T[]>;
  private readonly _changed: () => void;
  private readonly _lists = new Map<string, T[]>();
  private readonly _errors = new Map<string, Error>();
  private readonly _pending = new Map<string, Promise<T[]>>();
  private _turn = 0;
}
