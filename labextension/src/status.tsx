/** The item in the status bar while captures run. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar, ProgressBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { count, progress } from './batches';
import type { BatchesModel } from './batches';
import { useModel } from './panels/hooks';
import { CommandIDs, ISnapshots } from './tokens';

interface IStatusProps {
  batches: BatchesModel;
  trans: TranslationBundle;
  onClick: () => void;
}

/** How far all running batches are together. */
export function BatchStatus({ batches, trans, onClick }: IStatusProps): JSX.Element | null {
  useModel(batches);
  const { running } = batches;
  if (!running.length) {
    return null;
  }
  const all = running.reduce((sum, each) => sum + count(each.batch), 0);
  const ended = running.reduce((sum, each) => sum + progress(each.batch) * count(each.batch), 0);
  const text =
    running.length === 1
      ? trans.__('Snapshot %1', running[0].batch.name)
      : trans._n('%1 snapshot', '%1 snapshots', running.length);
  const title = trans.__('%1: %2 of %3 students. Show it in the panel.', text, ended, all);
  return (
    <button type="button" className="jp-SnapshotsStatus" title={title} onClick={onClick}>
      <span>{trans.__('Taking snapshots')}</span>
      <ProgressBar percentage={all ? (100 * ended) / all : 0} width={60} />
      <span>{`${Math.round(ended)}/${all}`}</span>
    </button>
  );
}

/** Shows running captures in the status bar. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-snapshots:status',
  description: 'Shows in the status bar how far running snapshots are.',
  autoStart: true,
  requires: [ISnapshots],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    snapshots: ISnapshots,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (!statusBar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyterhub_snapshots');
    const { batches } = snapshots.model;
    const item = ReactWidget.create(
      <BatchStatus
        batches={batches}
        trans={trans}
        onClick={() => void app.commands.execute(CommandIDs.openPanel)}
      />
    );
    statusBar.registerStatusItem('jupyterhub-snapshots:status', {
      item,
      align: 'middle',
      rank: 10,
      isActive: () => batches.running.length > 0,
      activeStateChanged: batches.stateChanged
    });
  }
};
