/** The commands about files of snapshots, and their context menu. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification, showErrorMessage } from '@jupyterlab/apputils';
import { copyIcon, downloadIcon, fileIcon, launchIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { restoreIcon, zipIcon } from '../../icons';
import { download, drivePath } from '../../links';
import { CommandIDs } from '../../tokens';
import { copyToMyFiles, restore } from './copy';
import type { ICopyOptions } from './copy';
import { ITEM_CLASS, TARGET_SCHEMA, targetOf } from './target';
import type { ITarget } from './target';

/** Options of the commands. */
export type IFileCommandsOptions = Omit<ICopyOptions, 'app'>;

/** Adds the commands about files and the context menu of the list. */
export function addFileCommands(app: JupyterFrontEnd, options: IFileCommandsOptions): void {
  const { model, trans } = options;
  const { commands } = app;
  const copying = { app, ...options };

  /** Adds a command that is there for the targets that `fits` says yes to. */
  const add = (
    id: string,
    command: Pick<CommandRegistry.ICommandOptions, 'label' | 'caption' | 'icon'>,
    fits: (target: ITarget) => boolean,
    work: (target: ITarget) => unknown
  ) => {
    const fitting = (args: ReadonlyPartialJSONObject) => {
      const target = targetOf(app, args);
      return target && fits(target) ? target : null;
    };
    commands.addCommand(id, {
      ...command,
      describedBy: { args: TARGET_SCHEMA },
      isEnabled: args => fitting(args) !== null,
      isVisible: args => fitting(args) !== null,
      execute: async args => {
        const target = fitting(args);
        try {
          return target && (await work(target));
        } catch (reason) {
          void showErrorMessage(trans.__('That did not work'), reason as Error);
          return null;
        }
      }
    });
  };

  add(
    CommandIDs.openFile,
    { label: trans.__('Open'), icon: launchIcon },
    target => target.type === 'file' || target.type === 'folder',
    ({ place, type }) => {
      if (type === 'folder') {
        model.showPlace(place);
        return;
      }
      return commands.execute('docmanager:open', { path: drivePath(place) });
    }
  );
  add(
    CommandIDs.downloadFile,
    {
      label: trans.__('Download'),
      caption: trans.__('Download the file to your computer'),
      icon: downloadIcon
    },
    target => target.type === 'file',
    ({ place }) => download(model.links.fileUrl(place))
  );
  add(
    CommandIDs.downloadFolder,
    {
      label: trans.__('Download Folder as Zip'),
      caption: trans.__('Download the folder with all that is in it as one zip'),
      icon: zipIcon
    },
    target => target.type === 'folder',
    ({ place }) => download(model.links.archiveUrl(place))
  );
  add(
    CommandIDs.copyPath,
    {
      label: trans.__('Copy Path'),
      caption: trans.__('Copy the path inside the snapshot'),
      icon: fileIcon
    },
    () => true,
    ({ place }) => {
      Clipboard.copyToSystem(place.path || place.snapshot);
      Notification.info(trans.__('Path copied.'), { autoClose: 3000 });
    }
  );
  add(
    CommandIDs.copyToMyFiles,
    {
      label: trans.__('Copy to My Files…'),
      caption: trans.__('Copy it into a folder of your own files'),
      icon: copyIcon
    },
    target => target.type === 'file' || target.type === 'folder',
    target => copyToMyFiles(copying, target)
  );
  add(
    CommandIDs.restore,
    {
      label: trans.__('Restore…'),
      caption: trans.__('Put it back to the same place in your files'),
      icon: restoreIcon
    },
    target =>
      (target.type === 'file' || target.type === 'folder') &&
      target.place.path !== '' &&
      model.links.isOwn(target.place.course),
    target => restore(copying, target)
  );

  const items = [
    CommandIDs.openFile,
    null,
    CommandIDs.downloadFile,
    CommandIDs.downloadFolder,
    CommandIDs.copyPath,
    null,
    CommandIDs.copyToMyFiles,
    CommandIDs.restore,
    null,
    CommandIDs.compareFile
  ];
  items.forEach((command, rank) => {
    app.contextMenu.addItem(
      command
        ? { command, selector: `.${ITEM_CLASS}`, rank }
        : { type: 'separator', selector: `.${ITEM_CLASS}`, rank }
    );
  });
}
