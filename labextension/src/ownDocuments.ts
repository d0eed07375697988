/** Documents that were put into the home: whether JupyterLab shows them, and opening them. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import { isolated } from './panels/files/target';

/**
 * What JupyterLab would call a path below the home; null when it shows another part of the home.
 *
 * @param root The top of what JupyterLab shows, as the server tells it: `~/work` below the home,
 *   otherwise an absolute path, which is the home itself unless the server was set up unusually.
 */
export function shownPath(path: string, root: string): string | null {
  if (!root.startsWith('~/')) {
    return path;
  }
  const top = `${root.slice(2).replace(/\/+$/, '')}/`;
  return path.startsWith(top) ? path.slice(top.length) : null;
}

/** What JupyterLab calls a path below the home; null when it does not show what is there. */
export async function findShown(app: JupyterFrontEnd, path: string): Promise<string | null> {
  const shown = shownPath(path, PageConfig.getOption('serverRoot'));
  if (shown === null) {
    return null;
  }
  try {
    await app.serviceManager.contents.get(shown, { content: false });
    return shown;
  } catch {
    return null; // It was moved, or the top of what is shown is not where it seems.
  }
}

/** Opens a document of the home; says where it is when JupyterLab can't. */
export async function openInLab(
  app: JupyterFrontEnd,
  path: string,
  trans: TranslationBundle
): Promise<void> {
  const shown = await findShown(app, path);
  if (shown === null) {
    await showErrorMessage(
      trans.__('The document can’t be opened here'),
      trans.__(
        'It was put into your home as %1. JupyterLab does not show it there: it was moved or deleted since, or lies outside of the folder that JupyterLab shows.',
        isolated(path)
      )
    );
    return;
  }
  const browser = await app.resolveOptionalService(IDefaultFileBrowser);
  await browser?.model.refresh();
  await app.commands.execute('docmanager:open', { path: shown });
}
