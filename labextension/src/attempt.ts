/** Commands that may fail. */

import { showErrorMessage } from '@jupyterlab/apputils';

/** Runs what a person asked for; a failure is told in a dialog, once. */
export async function attempt(title: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    await showErrorMessage(title, reason instanceof Error ? reason : String(reason));
  }
}
