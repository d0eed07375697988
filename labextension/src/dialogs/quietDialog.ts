/** A dialog in which Enter says "done" only where a person means the whole dialog by it. */

import { Dialog } from '@jupyterlab/apputils';

/** Fields in which Enter ends a search, or is pressed by mistake. */
const QUIET = ['search', 'checkbox', 'radio'];

/** See the module; a plain dialog takes Enter in every field for its accepting button. */
export class QuietDialog<T> extends Dialog<T> {
  handleEvent(event: Event): void {
    if (event instanceof KeyboardEvent && event.type === 'keydown' && event.key === 'Enter') {
      const { target } = event;
      if (target instanceof HTMLInputElement && QUIET.includes(target.type)) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
    }
    super.handleEvent(event);
  }
}
