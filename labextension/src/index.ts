/** The plugins of this package, and how they find each other. */

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification, showErrorMessage } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { SnapshotsApi } from './api';
import { batchSummary } from './batch';
import type { BatchesModel } from './batches';
import { addAssignmentCommands } from './assignmentCommands';
import { AssignmentsModel } from './assignments';
import { addCommands } from './commands';
import { comparePlugin } from './compare';
import { returnReports } from './dialogs/returnReports';
import { reportsTrouble } from './dialogs/reportsModel';
import { documentsPlugin } from './documents';
import { SnapshotsDrive } from './drive';
import { SnapshotsModel } from './model';
import { OwnApi } from './ownApi';
import { OwnAssignmentsModel } from './ownAssignments';
import { addOwnCommands } from './ownCommands';
import { addFileCommands } from './panels/files/commands';
import { droppedFiles } from './reports';
import { DEFAULT_SETTINGS } from './settings';
import type { IPanelSettings } from './settings';
import { PANEL_ID, SnapshotsSidebar } from './sidebar';
import { statusPlugin } from './status';
import { timeLeftPlugin } from './timeLeft';
import { CommandIDs, ISnapshots } from './tokens';

const PLUGIN_ID = 'jupyterhub-snapshots:plugin';
/** Where the code of the course that was shown last is kept. */
const COURSE_KEY = 'jupyterhub-snapshots:course';

/** The panel with its commands. */
const plugin: JupyterFrontEndPlugin<ISnapshots> = {
  id: PLUGIN_ID,
  description: 'The panel with the snapshots of students’ homes.',
  autoStart: true,
  provides: ISnapshots,
  optional: [ICommandPalette, ILayoutRestorer, ISettingRegistry, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    settingRegistry: ISettingRegistry | null,
    state: IStateDB | null,
    translatorOrNone: ITranslator | null
  ): ISnapshots => {
    const translator = translatorOrNone ?? nullTranslator;
    const trans = translator.load('jupyterhub_snapshots');
    const model = new SnapshotsModel({
      api: new SnapshotsApi({ serverSettings: app.serviceManager.serverSettings, trans }),
      recall: async () => ((await state?.fetch(COURSE_KEY)) as string | undefined) ?? null,
      remember: code => void state?.save(COURSE_KEY, code)
    });
    const assignments = new AssignmentsModel(model);
    const own = new OwnAssignmentsModel({ model, api: new OwnApi(model.api) });
    const sidebar = new SnapshotsSidebar({
      model,
      assignments,
      own,
      app,
      trans,
      translator,
      onDropFiles: (student, dropped) => {
        droppedFiles(dropped)
          .then(files => returnReports({ model, trans, student, files }))
          .catch((reason: Error) =>
            showErrorMessage(
              trans.__('The reports could not be returned'),
              reportsTrouble(reason, trans)
            )
          );
      }
    });
    const reveal = () => app.shell.activateById(PANEL_ID);
    addCommands(app, { model, reveal, palette, trans });
    addFileCommands(app, { model, trans });
    addAssignmentCommands(app, { model, assignments, reveal, palette, trans });
    addOwnCommands(app, { model, own, palette, trans });
    app.shell.add(sidebar, 'left', { rank: 150, type: 'Snapshots' });
    restorer?.add(sidebar, PANEL_ID);

    model.batches.ended.connect((_, ended) => notify(app, model, ended, trans));
    void followSettings(settingRegistry, model);
    // Only after JupyterLab itself is there: nobody waits for the panel then.
    void app.restored.then(() => model.connect());

    return {
      model,
      own,
      reveal: place => {
        model.showPlace(place);
        reveal();
      }
    };
  }
};

/** The read-only drive in which files of snapshots are opened. */
const drivePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-snapshots:drive',
  description: 'A read-only drive with the files of snapshots.',
  autoStart: true,
  requires: [ISnapshots],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, snapshots: ISnapshots, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyterhub_snapshots');
    const drive = new SnapshotsDrive({
      api: snapshots.model.api,
      registry: app.docRegistry,
      trans
    });
    app.serviceManager.contents.addDrive(drive);
  }
};

/** Keeps the model's settings those of the setting registry. */
async function followSettings(
  registry: ISettingRegistry | null,
  model: SnapshotsModel
): Promise<void> {
  if (!registry) {
    return;
  }
  try {
    const settings = await registry.load(PLUGIN_ID);
    const take = () => {
      model.settings = {
        ...DEFAULT_SETTINGS,
        ...(settings.composite as Partial<IPanelSettings>)
      };
    };
    settings.changed.connect(take);
    take();
  } catch (reason) {
    console.error('The settings of jupyterhub-snapshots could not be loaded.', reason);
  }
}

/** Tells the end of a batch, wherever in JupyterLab the person is. */
function notify(
  app: JupyterFrontEnd,
  model: SnapshotsModel,
  { course, batch }: BatchesModel.IEnded,
  trans: TranslationBundle
): void {
  const summary = batchSummary(batch, trans);
  const show = {
    label: trans.__('Show'),
    caption: trans.__('Show it in the panel'),
    callback: () => {
      void model.selectCourse(course);
      void app.commands.execute(CommandIDs.openPanel);
    }
  };
  const message = trans.__('Snapshot %1: %2', batch.name, summary);
  if (batch.state === 'done') {
    Notification.success(message, { autoClose: 8000, actions: [show] });
  } else if (batch.state === 'cancelled') {
    Notification.info(message, { autoClose: 8000, actions: [show] });
  } else {
    Notification.warning(message, { autoClose: false, actions: [show] });
  }
}

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  plugin,
  drivePlugin,
  documentsPlugin,
  comparePlugin,
  statusPlugin,
  timeLeftPlugin
];

export default plugins;
