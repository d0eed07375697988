/** The time as the server has it: the clock of a browser may be wrong, or be set meanwhile. */

/** See the module; the browser's own clock until an answer told the time. */
export class ServerClock {
  /**
   * @param _elapsed Milliseconds that only ever grow, whatever is done to the clock.
   */
  constructor(private readonly _elapsed: () => number = () => performance.now()) {}

  /** Takes over the time of an answer, from its `Date`; what is no date changes nothing. */
  hear(date: string | null): void {
    const at = Date.parse(date ?? '');
    if (!Number.isNaN(at)) {
      this._told = { at, when: this._elapsed() };
    }
  }

  now(): Date {
    const told = this._told;
    return told === null ? new Date() : new Date(told.at + this._elapsed() - told.when);
  }

  private _told: { at: number; when: number } | null = null;
}
