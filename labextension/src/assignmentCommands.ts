/** The commands about assignments and the dates of students. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, deleteIcon, downloadIcon, editIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { attempt } from './attempt';
import type { AssignmentsModel } from './assignments';
import type { IAssignmentRow } from './assignmentTokens';
import { accommodate } from './dialogs/accommodation';
import { editAssignment } from './dialogs/assignment';
import { deliverDocument } from './dialogs/deliver';
import { downloadCaptured } from './dialogs/downloadCaptured';
import { grantExtension } from './dialogs/extension';
import { showWhyOf } from './dialogs/whyOf';
import { openGrid } from './grid';
import { dateIcon, gridIcon } from './icons';
import type { SnapshotsModel } from './model';
import { CommandIDs } from './tokens';

const ASSIGNMENT = { type: 'number', description: 'Number of the assignment' } as const;
const STUDENT = { type: 'string', description: 'Username of the student' } as const;

/** Schema of the arguments that name an assignment. */
const ASSIGNMENT_ARGS = {
  type: 'object',
  properties: { assignment: ASSIGNMENT },
  required: ['assignment']
} as const;

/** Schema of a command without arguments. */
const NO_ARGS = { type: 'object', properties: {} } as const;

export interface IAssignmentCommandOptions {
  model: SnapshotsModel;
  assignments: AssignmentsModel;
  /** Shows the panel. */
  reveal: () => void;
  palette: ICommandPalette | null;
  trans: TranslationBundle;
}

/** Registers the commands, and those that need no arguments in the palette. */
export function addAssignmentCommands(
  app: JupyterFrontEnd,
  options: IAssignmentCommandOptions
): void {
  const { model, assignments, reveal, palette, trans } = options;
  const { commands } = app;
  const mayChange = () => model.connected && model.isInstructor;
  const seesClass = () => model.connected && model.seesClass;

  /** The assignments, loaded when the panel was not open yet. */
  const loaded = async () => {
    if (assignments.overview === null) {
      await assignments.refresh();
    }
    if (assignments.overview === null) {
      throw assignments.error ?? new Error(trans.__('The assignments could not be loaded.'));
    }
  };
  const rowOf = async (args: ReadonlyPartialJSONObject): Promise<IAssignmentRow> => {
    await loaded();
    const row = assignments.find(Number(args.assignment));
    if (!row) {
      throw new Error(trans.__('There is no such assignment any more.'));
    }
    return row;
  };
  const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

  commands.addCommand(CommandIDs.newAssignment, {
    label: trans.__('New Assignment…'),
    caption: trans.__('New Assignment…'),
    icon: addIcon,
    isEnabled: mayChange,
    isVisible: mayChange,
    describedBy: { args: NO_ARGS },
    execute: () =>
      attempt(trans.__('The assignment could not be made'), async () => {
        await loaded();
        if (await editAssignment(assignments, null, trans)) {
          reveal();
        }
      })
  });

  commands.addCommand(CommandIDs.editAssignment, {
    label: trans.__('Edit…'),
    icon: editIcon,
    isVisible: mayChange,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args =>
      attempt(trans.__('The assignment could not be changed'), async () =>
        editAssignment(assignments, await rowOf(args), trans)
      )
  });

  commands.addCommand(CommandIDs.deleteAssignment, {
    label: trans.__('Delete…'),
    icon: deleteIcon,
    isVisible: mayChange,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args =>
      attempt(trans.__('The assignment could not be deleted'), async () => {
        const row = await rowOf(args);
        if (await confirmDelete(row, trans)) {
          await assignments.remove(row.id);
        }
      })
  });

  commands.addCommand(CommandIDs.grantExtension, {
    label: trans.__('Grant Extension…'),
    caption: trans.__('Give students another date for an assignment, or excuse them'),
    icon: dateIcon,
    isEnabled: mayChange,
    isVisible: mayChange,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          assignment: ASSIGNMENT,
          students: { type: 'array', items: STUDENT, description: 'Usernames chosen at first' }
        }
      }
    },
    execute: args =>
      attempt(trans.__('The extension could not be granted'), async () => {
        await loaded();
        await grantExtension(assignments, trans, {
          assignment: numberOf(args.assignment),
          students: args.students as string[] | undefined
        });
      })
  });

  commands.addCommand(CommandIDs.accommodate, {
    label: trans.__('Accommodation…'),
    caption: trans.__('Give a student more time for every assignment of the course'),
    isVisible: mayChange,
    describedBy: {
      args: { type: 'object', properties: { student: STUDENT }, required: ['student'] }
    },
    execute: args =>
      attempt(trans.__('The accommodation could not be loaded'), async () => {
        await loaded();
        await accommodate(assignments, textOf(args.student) ?? '', trans);
      })
  });

  commands.addCommand(CommandIDs.whyDeadline, {
    label: trans.__('Why This Deadline?'),
    caption: trans.__('Show the steps that led to a student’s deadline'),
    isEnabled: seesClass,
    isVisible: seesClass,
    describedBy: {
      args: { type: 'object', properties: { assignment: ASSIGNMENT, student: STUDENT } }
    },
    execute: args =>
      attempt(trans.__('The deadline could not be loaded'), async () => {
        await loaded();
        await showWhyOf(assignments, trans, {
          assignment: numberOf(args.assignment),
          student: textOf(args.student)
        });
      })
  });

  commands.addCommand(CommandIDs.openGrid, {
    label: trans.__('Open Grid'),
    caption: trans.__('Open the grid of students and assignments'),
    icon: gridIcon,
    isEnabled: seesClass,
    isVisible: seesClass,
    describedBy: { args: NO_ARGS },
    execute: () => openGrid(app, { model, assignments, trans })
  });

  commands.addCommand(CommandIDs.showCaptured, {
    label: trans.__('Show Snapshots'),
    caption: trans.__('Show what was captured for the assignment, in the panel'),
    isVisible: seesClass,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args => {
      reveal();
      assignments.showCaptured(Number(args.assignment));
    }
  });

  commands.addCommand(CommandIDs.downloadCaptured, {
    label: trans.__('Download All…'),
    icon: downloadIcon,
    isVisible: seesClass,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args =>
      attempt(trans.__('The snapshots could not be downloaded'), async () =>
        downloadCaptured(assignments, await rowOf(args), trans)
      )
  });

  commands.addCommand(CommandIDs.deliverDocument, {
    label: trans.__('Put Document into Homes…'),
    isVisible: mayChange,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args =>
      attempt(trans.__('The document could not be put into the homes'), async () =>
        deliverDocument(assignments, await rowOf(args), trans)
      )
  });

  const inPalette = [CommandIDs.newAssignment, CommandIDs.grantExtension, CommandIDs.openGrid];
  // What is enabled depends on the course.
  model.stateChanged.connect(() => {
    inPalette.forEach(id => commands.notifyCommandChanged(id));
  });
  const category = trans.__('Snapshots');
  inPalette.forEach(command => palette?.addItem({ command, category }));
}

async function confirmDelete(row: IAssignmentRow, trans: TranslationBundle): Promise<boolean> {
  const result = await showDialog({
    title: trans.__('Delete assignment?'),
    body: trans.__(
      '%1 will be gone for good, with its extensions. That is possible only while nothing was captured for it.',
      row.title
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ],
    defaultButton: 0
  });
  return result.button.accept;
}
