/** Copying out of a snapshot into one's own files, and putting back what was lost. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog, IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { ApiError } from '../../api';
import type { SnapshotsModel } from '../../model';
import { DRIVE } from '../../tokens';
import type { ICopied } from '../../tokens';
import { isolated, nameOf } from './target';
import type { ITarget } from './target';

/**
 * What copying needs. The file browser and its dialogs are asked for when they are used, so that
 * the panel does not wait for them; an application without them has a path typed.
 */
export interface ICopyOptions {
  app: JupyterFrontEnd;
  model: SnapshotsModel;
  trans: TranslationBundle;
  translator?: ITranslator;
}

/** Asks for a folder and copies the file or folder into it. */
export async function copyToMyFiles(options: ICopyOptions, target: ITarget): Promise<void> {
  const folder = await chooseFolder(options, target);
  if (folder !== null) {
    const name = target.place.path
      ? nameOf(target)
      : `${target.place.student}_${target.place.snapshot}`;
    await copyTo(options, target, folder ? `${folder}/${name}` : name, false);
  }
}

/** Puts a file or folder back to where it was in the home, after asking. */
export async function restore(options: ICopyOptions, target: ITarget): Promise<void> {
  const { trans } = options;
  const answer = await showDialog({
    title: trans.__('Restore %1?', isolated(nameOf(target))),
    body: trans.__(
      '%1 is copied from the snapshot %2 to the same place in your files. Nothing there is overwritten without asking.',
      isolated(target.place.path),
      target.place.snapshot
    ),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Restore') })]
  });
  if (answer.button.accept) {
    await copyTo(options, target, target.place.path, true);
  }
}

/** The path of a folder in one's own files, or null when the dialog was left. */
async function chooseFolder(options: ICopyOptions, target: ITarget): Promise<string | null> {
  const { app, trans } = options;
  const docManager = await app.resolveOptionalService(IDocumentManager);
  const browser = await app.resolveOptionalService(IDefaultFileBrowser);
  const { contents } = app.serviceManager;
  const shown = browser?.model.path ?? '';
  const isOwn = contents.driveName(shown) !== DRIVE;
  const title = trans.__('Copy %1 to My Files', isolated(nameOf(target)));
  if (!docManager) {
    const typed = await InputDialog.getText({
      title,
      label: trans.__('Folder in your files (empty for the top one)'),
      text: isOwn ? contents.localPath(shown) : '',
      okLabel: trans.__('Copy')
    });
    return typed.button.accept ? (typed.value ?? '').replace(/^\/+|\/+$/g, '') : null;
  }
  const chosen = await FileDialog.getExistingDirectory({
    manager: docManager,
    title,
    label: trans.__('Choose the folder that the copy goes into.'),
    defaultPath: isOwn ? shown : '',
    translator: options.translator
  });
  const path = chosen.value?.[0]?.path;
  if (!chosen.button.accept || path === undefined) {
    return null;
  }
  if (contents.driveName(path) === DRIVE) {
    throw new Error(trans.__("Snapshots can't be changed. Choose a folder of your own files."));
  }
  return contents.localPath(path);
}

/** Copies that are under way, so that none is begun twice. */
const running = new Set<string>();

/** Milliseconds after which a copy says that it goes on. */
const SLOW = 500;

/** Copies; asks before anything that is there is moved aside; says how it went. */
async function copyTo(
  options: ICopyOptions,
  target: ITarget,
  path: string,
  isRestore: boolean
): Promise<void> {
  const { trans } = options;
  const key = JSON.stringify([target.place, path, isRestore]);
  if (running.has(key)) {
    Notification.info(trans.__('%1 is being copied already.', isolated(path)), {
      autoClose: 6000
    });
    return;
  }
  running.add(key);
  try {
    await copyOrAsk(options, target, path, isRestore);
  } finally {
    running.delete(key);
  }
  const browser = await options.app.resolveOptionalService(IDefaultFileBrowser);
  await browser?.model.refresh();
}

async function copyOrAsk(
  options: ICopyOptions,
  target: ITarget,
  path: string,
  isRestore: boolean
): Promise<void> {
  const { model, trans } = options;
  const source = model.api.source(target.place);
  const below = isRestore ? 'home' : 'files';
  const copy = async (existing: 'ask' | 'keep_old') => {
    let id: string | null = null;
    // A folder takes its time. What is done at once tells only its end: JupyterLab loses a change
    // of a notification that it has not shown yet.
    const slow = setTimeout(() => {
      id = Notification.emit(
        isRestore
          ? trans.__('Restoring %1…', isolated(nameOf(target)))
          : trans.__('Copying %1…', isolated(nameOf(target))),
        'in-progress',
        { autoClose: false }
      );
    }, SLOW);
    let copied: ICopied;
    try {
      copied = await model.api.copy(source, path, existing, below);
    } finally {
      clearTimeout(slow);
      if (id !== null) {
        Notification.dismiss(id);
      }
    }
    tell(options, target, copied, isRestore);
  };
  try {
    await copy('ask');
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.code !== 'exists') {
      throw reason;
    }
    if (await mayMoveAside(reason, target, trans)) {
      await copy('keep_old');
    }
  }
}

async function mayMoveAside(
  reason: ApiError,
  target: ITarget,
  trans: TranslationBundle
): Promise<boolean> {
  const existing = reason.details.existing;
  const names = Array.isArray(existing) ? existing.map(String) : [nameOf(target)];
  const some = names.slice(0, 5).map(isolated).join(', ');
  const answer = await showDialog({
    title: trans.__('Keep the Old One?'),
    body:
      names.length > 5
        ? trans.__(
            '%1 and %2 more are already in your files. The old ones can be kept beside, under a name with today’s date.',
            some,
            names.length - 5
          )
        : trans._n(
            '%2 is already in your files. The old one can be kept beside, under a name with today’s date.',
            '%2 are already in your files. The old ones can be kept beside, under a name with today’s date.',
            names.length,
            some
          ),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Keep Old and Copy') })]
  });
  return answer.button.accept;
}

function tell(
  { app, trans }: ICopyOptions,
  target: ITarget,
  copied: ICopied,
  isRestore: boolean
): void {
  const path = isolated(copied.path);
  const message = isRestore ? trans.__('%1 was restored.', path) : trans.__('Copied to %1.', path);
  const kept = copied.keptAs
    ? ` ${trans.__('What was there is now %1.', isolated(copied.keptAs))}`
    : '';
  const left = copied.leftOut
    ? ` ${trans._n(
        'One entry was left out: a link that leads elsewhere, or a name that is too long.',
        '%1 entries were left out: links that lead elsewhere, or names that are too long.',
        copied.leftOut
      )}`
    : '';
  const isFile = target.type === 'file';
  const { shownAs } = copied;
  Notification.success(message + kept + left, {
    autoClose: 10000,
    actions:
      shownAs === null
        ? []
        : [
            {
              label: isFile ? trans.__('Open') : trans.__('Show in File Browser'),
              callback: () => {
                const command = isFile ? 'docmanager:open' : 'filebrowser:open-path';
                void app.commands.execute(command, { path: shownAs });
              }
            }
          ]
  });
}
