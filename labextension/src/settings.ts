/** What a person can set. */

import type { Layout } from './links';

/** What a person set; see `schema/plugin.json`. */
export interface IPanelSettings {
  /** Seconds between two looks at the lists while the panel is open. */
  pollInterval: number;
  defaultLayout: Layout;
  confirmDelete: boolean;
}

export const DEFAULT_SETTINGS: IPanelSettings = {
  pollInterval: 60,
  defaultLayout: 'plain',
  confirmDelete: true
};

/** Longest pause of the poll after failures, in seconds. */
const LONGEST_PAUSE = 600;

/** How often the panel looks at its lists, for a `Poll`; after failures ever less often. */
export function pollFrequency({ pollInterval }: IPanelSettings) {
  const interval = Math.max(5, pollInterval) * 1000;
  return { interval, backoff: true, max: Math.max(interval, LONGEST_PAUSE * 1000) };
}
