/** Time that runs out: how much is left, when that is worth saying, and how it is said. */

import type { TranslationBundle } from '@jupyterlab/translation';

/** Minutes before the end at which the time left is told; 0 is the end. */
export const MOMENTS = [10, 5, 1, 0] as const;
export type Moment = (typeof MOMENTS)[number];

/** Milliseconds that only ever grow, whatever is done to the clock of the browser. */
export type Elapsed = () => number;

/** What is left of a time, from what the service said was left at one moment. */
export class Countdown {
  /**
   * @param _seconds Seconds that were left at `_from`.
   * @param _from What `_elapsed` was then.
   */
  constructor(
    private readonly _seconds: number,
    private readonly _from: number,
    private readonly _elapsed: Elapsed
  ) {}

  /** Whole seconds that are left; never less than 0. */
  get left(): number {
    return Math.max(0, Math.ceil(this._seconds - (this._elapsed() - this._from) / 1000));
  }
}

/** The last moment that has passed with that much time left; null long before the end. */
export function momentOf(seconds: number): Moment | null {
  return [...MOMENTS].reverse().find(minutes => seconds <= minutes * 60) ?? null;
}

/** Time left as clocks show it: "1:05:09", "5:09". */
export function clockText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

/** A length of time in words: "1 hour 30 minutes", "5 minutes", "less than a minute". */
export function spokenTime(seconds: number, trans: TranslationBundle): string {
  if (seconds < 60) {
    return trans.__('less than a minute');
  }
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const spoken = [];
  if (hours) {
    spoken.push(trans._n('%1 hour', '%1 hours', hours));
  }
  if (minutes) {
    spoken.push(trans._n('%1 minute', '%1 minutes', minutes));
  }
  return spoken.join(' ');
}
