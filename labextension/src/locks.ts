/** What keeps a document of a snapshot a thing to look at: no kernel, no changes, no commands. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { DRIVE } from './tokens';

/** A cell of a notebook. */
type CellModel = ReturnType<INotebookModel['cells']['get']>;

/** A notebook of somebody else's home must not run in the home of whoever looks. */
export function withoutKernel(context: DocumentRegistry.Context, explain: () => void): void {
  const { sessionContext } = context;
  sessionContext.kernelPreference = {
    ...sessionContext.kernelPreference,
    shouldStart: false,
    shouldReuse: false,
    canStart: false,
    autoStartDefault: false
  };
  // The preference only keeps a kernel from starting by itself. Running a cell would ask for one,
  // and so do the menus: none of them gets any, and none has a dialog asked in vain.
  sessionContext.startKernel = () => {
    explain();
    return Promise.resolve(false);
  };
  sessionContext.changeKernel = () => {
    explain();
    return Promise.resolve(null);
  };
  sessionContext.restartKernel = () => {
    explain();
    return Promise.resolve();
  };
}

/** Showing a notebook changes its model (a kernel's language, windows line ends); not its file. */
export function withoutChanges(context: DocumentRegistry.Context, explain: () => void): void {
  const { model } = context;
  model.readOnly = true;
  // Some commands save what they did; a dialog about a failed saving would only puzzle.
  context.save = () => {
    explain();
    return Promise.resolve();
  };
  model.stateChanged.connect((sender, change) => {
    if (change.name === 'dirty' && change.newValue) {
      sender.dirty = false;
    }
  });
  if (model.dirty) {
    model.dirty = false;
  }
}

/**
 * Keeps clicks from running JupyterLab's commands.
 *
 * HTML out of a notebook or a text may name a command and its arguments, ours included, on whatever
 * it shows; JupyterLab runs it for a click. Links to other files of snapshots are the same by their
 * make, and stay.
 */
export function withoutCommands(node: HTMLElement, explain: () => void): void {
  node.addEventListener(
    'click',
    event => {
      const target = event.target as Element | null;
      const named = target?.closest('[data-commandlinker-command]');
      if (named && node.contains(named) && !isLink(named)) {
        event.preventDefault();
        event.stopPropagation();
        explain();
      }
    },
    { capture: true }
  );
}

/** A page out of a home runs no scripts, whoever chooses to trust it: they would run as the looker. */
export function withoutScripts(widget: Widget, explain: () => void): void {
  const viewer = widget as Widget & {
    trusted?: boolean;
    trustedChanged?: ISignal<unknown, boolean>;
  };
  viewer.trustedChanged?.connect((_, trusted) => {
    if (trusted) {
      viewer.trusted = false;
      explain();
    }
  });
}

/** Whether the click only shows another file of a snapshot. */
function isLink(node: Element): boolean {
  if (node.getAttribute('data-commandlinker-command') !== 'rendermime:handle-local-link') {
    return false;
  }
  try {
    const args: unknown = JSON.parse(node.getAttribute('data-commandlinker-args') ?? '');
    const { path, scope } = args as { path?: unknown; scope?: unknown };
    return typeof path === 'string' && path.startsWith(`${DRIVE}:`) && scope !== 'kernel';
  } catch {
    return false;
  }
}

/** Lets nobody type, run, clear or trust a notebook; what adds or removes cells is undone. */
export function lockNotebook(
  panel: NotebookPanel,
  context: DocumentRegistry.Context,
  receiver: object,
  explain: () => void
): void {
  const { model } = panel.content;
  const lock = () => {
    for (const cell of model?.cells ?? []) {
      lockCell(cell, explain);
    }
    for (const cell of panel.content.widgets) {
      // In the view, without a word of it in the notebook's metadata.
      cell.syncEditable = false;
      cell.readOnly = true;
    }
  };
  let isRestoring = false;
  const restore = async () => {
    isRestoring = true;
    try {
      await context.revert();
      context.model.sharedModel.clearUndoHistory();
    } catch (reason) {
      console.warn('A notebook of a snapshot could not be shown as it was again.', reason);
    } finally {
      isRestoring = false;
    }
  };
  lock();
  model?.cells.changed.connect(() => {
    lock();
    if (!isRestoring && !panel.isDisposed) {
      explain();
      void restore();
    }
  }, receiver);
}

/** Cells that are locked. */
const locked = new WeakSet<object>();

/**
 * Makes a cell one that is never trusted and keeps what it shows.
 *
 * To turn the trust back afterwards would be too late: the outputs are drawn anew, with their
 * scripts, while it is given.
 */
export function lockCell(cell: CellModel, explain: () => void): void {
  if (locked.has(cell)) {
    return;
  }
  locked.add(cell);
  cell.trusted = false;
  Object.defineProperty(cell, 'trusted', {
    get: () => false,
    set: value => {
      if (value) {
        explain();
      }
    }
  });
  if ('clearExecution' in cell) {
    // Running without a kernel does nothing but this.
    cell.clearExecution = explain;
  }
  // A cell that is moved is made again of its metadata.
  cell.metadataChanged.connect(sender => {
    if (sender.getMetadata('trusted') === true) {
      sender.setMetadata('trusted', false);
    }
  });
}
