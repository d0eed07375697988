/** The section of the panel with the files of one snapshot. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import {
  caretUpIcon,
  PanelWithToolbar,
  refreshIcon,
  UseSignal,
  ReactWidget,
  ToolbarButtonComponent
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';
import { zipIcon } from '../../icons';
import { drivePath } from '../../links';
import type { SnapshotsModel } from '../../model';
import { CommandIDs } from '../../tokens';
import type { IEntry, IPlace } from '../../tokens';
import { FilesBody } from './body';
import { FilesModel } from './model';
import { targetArgs } from './target';

/** Whose and which snapshot, and the files of one of its folders. */
export class FilesPanel extends PanelWithToolbar {
  constructor(options: FilesPanel.IOptions) {
    super();
    const { app, commands, model, trans } = options;
    this.addClass('jp-SnapshotsFiles');
    this.title.label = trans.__('Files');
    this._files = new FilesModel(model);
    const files = this._files;
    const button = (icon: LabIcon, label: string, isEnabled: () => boolean, onClick: () => void) =>
      ReactWidget.create(
        <UseSignal signal={files.stateChanged}>
          {() => (
            <ToolbarButtonComponent
              icon={icon}
              tooltip={label}
              enabled={isEnabled()}
              onClick={onClick}
            />
          )}
        </UseSignal>
      );
    this.toolbar.node.setAttribute('aria-label', trans.__('Files toolbar'));
    this.toolbar.addItem(
      'up',
      button(
        caretUpIcon,
        trans.__('To the Folder Above'),
        () => Boolean(files.place?.path),
        () => files.up()
      )
    );
    this.toolbar.addItem(
      'zip',
      button(
        zipIcon,
        trans.__('Download This Folder as Zip'),
        () => files.place !== null && files.error === null,
        () => {
          if (files.place) {
            const args = targetArgs(drivePath(files.place), 'folder');
            void commands.execute(CommandIDs.downloadFolder, args);
          }
        }
      )
    );
    this.toolbar.addItem(
      'refresh',
      button(
        refreshIcon,
        trans.__('Refresh the Files'),
        () => files.place !== null,
        () => void files.refresh()
      )
    );
    this.addWidget(
      new FilesBody({
        files,
        snapshots: model,
        registry: app.docRegistry,
        trans,
        open: (place, entry) => this._open(commands, place, entry)
      })
    );
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._files.dispose();
      super.dispose();
    }
  }

  private _open(commands: CommandRegistry, place: IPlace, entry: IEntry): void {
    const path = drivePath({ ...place, path: entry.path });
    const args = targetArgs(path, entry.type);
    if (commands.isEnabled(CommandIDs.openFile, args)) {
      void commands.execute(CommandIDs.openFile, args);
    }
  }

  private readonly _files: FilesModel;
}

/** Options of the panel. */
export namespace FilesPanel {
  export interface IOptions {
    app: JupyterFrontEnd;
    commands: CommandRegistry;
    model: SnapshotsModel;
    trans: TranslationBundle;
    translator: ITranslator;
  }
}
