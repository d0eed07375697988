/** The commands of the panel; those of files and of comparing are with their panels. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  deleteIcon,
  downloadIcon,
  folderIcon,
  infoIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { attempt } from './attempt';
import { downloadClass } from './dialogs/downloadClass';
import { showDetails } from './dialogs/details';
import { returnReports } from './dialogs/returnReports';
import { takeSnapshot } from './dialogs/takeSnapshot';
import { pinIcon, snapshotsIcon, takeIcon, zipIcon } from './icons';
import { download } from './links';
import type { SnapshotsModel } from './model';
import { CommandIDs } from './tokens';
import type { IPlace } from './tokens';

/** Schema of the arguments that name a snapshot. */
const PLACE_ARGS = {
  type: 'object',
  properties: {
    course: { type: 'string', description: 'Code of the course' },
    student: { type: 'string', description: 'Username of the student' },
    snapshot: { type: 'string', description: 'Full name of the snapshot' },
    path: { type: 'string', description: 'Path in the snapshot; its top without' }
  },
  required: ['course', 'student', 'snapshot']
} as const;

/** Schema of a command without arguments. */
const NO_ARGS = { type: 'object', properties: {} } as const;

export interface ICommandOptions {
  model: SnapshotsModel;
  /** Shows the panel. */
  reveal: () => void;
  palette: ICommandPalette | null;
  trans: TranslationBundle;
}

/** Registers the commands, and those that need no arguments in the palette. */
export function addCommands(app: JupyterFrontEnd, options: ICommandOptions): void {
  const { model, reveal, palette, trans } = options;
  const { commands } = app;

  const isInstructor = () => model.connected && model.isInstructor;
  const seesClass = () => model.connected && model.seesClass;

  commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Snapshots'),
    caption: trans.__('Show the panel with the snapshots of your courses'),
    icon: snapshotsIcon,
    describedBy: { args: NO_ARGS },
    execute: reveal
  });

  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Snapshots'),
    caption: trans.__('Load students and snapshots again'),
    icon: refreshIcon,
    describedBy: { args: NO_ARGS },
    execute: () => model.refresh()
  });

  commands.addCommand(CommandIDs.take, {
    label: trans.__('Take Snapshot…'),
    caption: trans.__('Keep the files of the class, or of some students, as they are now'),
    icon: takeIcon,
    isEnabled: isInstructor,
    isVisible: isInstructor,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          students: {
            type: 'array',
            items: { type: 'string' },
            description: 'Usernames that are chosen at first; the whole class without'
          }
        }
      }
    },
    execute: args =>
      attempt(trans.__('The snapshot could not be started'), async () => {
        await takeSnapshot(model, trans, args.students as string[] | undefined);
        if (model.batches.running.length) {
          reveal();
        }
      })
  });

  commands.addCommand(CommandIDs.returnReports, {
    label: trans.__('Return Reports…'),
    caption: trans.__('Put graded files into the homes of students'),
    isEnabled: isInstructor,
    isVisible: isInstructor,
    describedBy: {
      args: {
        type: 'object',
        properties: { student: { type: 'string', description: 'Username; the class without' } }
      }
    },
    execute: args =>
      attempt(trans.__('The reports could not be returned'), () =>
        returnReports({ model, trans, student: args.student as string | undefined })
      )
  });

  commands.addCommand(CommandIDs.downloadClass, {
    label: trans.__('Download Snapshot of Class…'),
    caption: trans.__('Download the snapshots of all students as one zip'),
    icon: downloadIcon,
    isEnabled: seesClass,
    isVisible: seesClass,
    describedBy: {
      args: {
        type: 'object',
        properties: { name: { type: 'string', description: 'Full name of the snapshots' } }
      }
    },
    execute: args =>
      attempt(trans.__('The snapshots could not be downloaded'), () =>
        downloadClass(model, trans, args.name as string | undefined)
      )
  });

  commands.addCommand(CommandIDs.showBatch, {
    label: trans.__('Show How It Was Taken'),
    caption: trans.__('Show each student’s capture, and try again what failed'),
    isEnabled: seesClass,
    describedBy: {
      args: {
        type: 'object',
        properties: { batch: { type: 'number', description: 'Number of the batch' } },
        required: ['batch']
      }
    },
    execute: args =>
      attempt(trans.__('The captures could not be shown'), async () => {
        if (model.course && typeof args.batch === 'number') {
          await model.batches.show(model.course.code, args.batch);
          reveal();
        }
      })
  });

  commands.addCommand(CommandIDs.openSnapshot, {
    label: trans.__('Open in Files'),
    caption: trans.__('Show the files of this snapshot'),
    icon: folderIcon,
    describedBy: { args: PLACE_ARGS },
    execute: args => {
      model.showPlace(toPlace(args));
      reveal();
    }
  });

  commands.addCommand(CommandIDs.downloadSnapshot, {
    label: trans.__('Download as Zip'),
    icon: zipIcon,
    describedBy: { args: PLACE_ARGS },
    execute: args => download(model.links.archiveUrl(toPlace(args)))
  });

  commands.addCommand(CommandIDs.showDetails, {
    label: trans.__('Details…'),
    caption: trans.__('Show when it was taken and what is missing in it'),
    icon: infoIcon,
    describedBy: { args: PLACE_ARGS },
    execute: args =>
      attempt(trans.__('The details could not be loaded'), () =>
        showDetails(model, toPlace(args), trans)
      )
  });

  commands.addCommand(CommandIDs.pinSnapshot, {
    label: args =>
      args.pinned ? trans.__('Allow Deletion Again') : trans.__('Keep from Deletion'),
    icon: pinIcon,
    isVisible: isInstructor,
    describedBy: { args: PLACE_ARGS },
    execute: args =>
      attempt(trans.__('The snapshot could not be changed'), () =>
        model.pin(toPlace(args), !args.pinned)
      )
  });

  commands.addCommand(CommandIDs.deleteSnapshot, {
    label: trans.__('Delete…'),
    icon: deleteIcon,
    isVisible: isInstructor,
    isEnabled: args => !args.pinned,
    describedBy: { args: PLACE_ARGS },
    execute: args =>
      attempt(trans.__('The snapshot could not be deleted'), async () => {
        const place = toPlace(args);
        if (!model.settings.confirmDelete || (await confirmDelete(place, trans))) {
          await model.deleteSnapshot(place);
        }
      })
  });

  // What is enabled depends on the course.
  model.stateChanged.connect(() => {
    [CommandIDs.take, CommandIDs.downloadClass, CommandIDs.returnReports].forEach(id =>
      commands.notifyCommandChanged(id)
    );
  });

  const category = trans.__('Snapshots');
  [
    CommandIDs.openPanel,
    CommandIDs.refresh,
    CommandIDs.take,
    CommandIDs.downloadClass,
    CommandIDs.returnReports
  ].forEach(command => palette?.addItem({ command, category }));
}

/** The place that a command's arguments name. */
export function toPlace(args: ReadonlyPartialJSONObject): IPlace {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    course: text(args.course),
    student: text(args.student),
    snapshot: text(args.snapshot),
    path: text(args.path)
  };
}

async function confirmDelete(place: IPlace, trans: TranslationBundle): Promise<boolean> {
  const result = await showDialog({
    title: trans.__('Delete snapshot?'),
    body: trans.__(
      'The snapshot %1 of %2 will be gone for good. Other snapshots are not affected.',
      place.snapshot,
      place.student
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ],
    defaultButton: 0
  });
  return result.button.accept;
}
