/** The grid of students and assignments, in the main area. It follows the course of the panel. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import React from 'react';
import type { AssignmentsModel } from '../assignments';
import { gridIcon } from '../icons';
import type { SnapshotsModel } from '../model';
import { GridBody } from './body';

const GRID_ID = 'jp-SnapshotsGrid';

export interface IGridOptions {
  model: SnapshotsModel;
  assignments: AssignmentsModel;
  trans: TranslationBundle;
}

/** Shows the grid; there is never more than one. */
export function openGrid(app: JupyterFrontEnd, options: IGridOptions): void {
  const found = [...app.shell.widgets('main')].some(widget => widget.id === GRID_ID);
  if (!found) {
    const { trans } = options;
    const content = new GridView({ ...options, commands: app.commands });
    const widget = new MainAreaWidget({ content });
    widget.id = GRID_ID;
    widget.title.label = trans.__('Assignments');
    widget.title.caption = trans.__('Students and assignments');
    widget.title.icon = gridIcon;
    widget.title.closable = true;
    widget.toolbar.hide();
    app.shell.add(widget, 'main');
  }
  app.shell.activateById(GRID_ID);
}

/** See the module; what it shows is kept fresh only while it is seen. */
export class GridView extends ReactWidget {
  constructor(private readonly _options: IGridOptions & { commands: CommandRegistry }) {
    super();
    this.addClass('jp-SnapshotsGrid');
    this.node.tabIndex = -1;
  }

  dispose(): void {
    this._watch?.dispose();
    this._watch = null;
    super.dispose();
  }

  protected render(): JSX.Element {
    return <GridBody {...this._options} />;
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._follow();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follow();
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._follow();
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    const cell = this.node.querySelector<HTMLElement>('[role="grid"] [tabindex="0"]');
    (cell ?? this.node).focus();
  }

  private _follow(): void {
    if (this.isVisible && !this._watch) {
      this._watch = this._options.assignments.watchGrid();
    } else if (!this.isVisible) {
      this._watch?.dispose();
      this._watch = null;
    }
  }

  private _watch: IDisposable | null = null;
}
