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

  /** The keys that were loaded, or are being loaded. */
  keys(): string[] {
    return [...new Set([...this._lists.keys(), ...this._pending.keys()])];
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

  /**
   * Loads the list anew because it has changed. The answer to a request under way may be from
   * before the change, so the list is asked for once more after it. `errorOf` tells of failures.
   */
  async reload(key: string): Promise<void> {
    const pending = this._pending.get(key);
    if (!pending) {
      await this.load(key).catch(() => undefined);
    } else if (!this._again.has(key)) {
      const turn = this._turn;
      this._again.add(key);
      await pending.catch(() => undefined);
      if (turn === this._turn) {
        this._again.delete(key);
        await this.load(key).catch(() => undefined);
      }
    }
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
    if (this._pending.has(key)) {
      void this.reload(key);
    }
  }

  /** Forgets everything, answers under way included. */
  clear(): void {
    this._turn += 1;
    this._lists.clear();
    this._errors.clear();
    this._pending.clear();
    this._again.clear();
  }

  private readonly _load: (key: string) => Promise<T[]>;
  private readonly _changed: () => void;
  private readonly _lists = new Map<string, T[]>();
  private readonly _errors = new Map<string, Error>();
  private readonly _pending = new Map<string, Promise<T[]>>();
  private readonly _again = new Set<string>();
  private _turn = 0;
}
