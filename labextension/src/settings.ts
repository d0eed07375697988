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
