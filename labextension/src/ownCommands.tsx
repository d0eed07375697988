/** The commands about a student's own assignments. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, fileIcon, infoIcon, launchIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React from 'react';
import { attempt } from './attempt';
import { spokenTime } from './countdown';
import { openAssignment } from './dialogs/openAssignment';
import { showWhyDeadline } from './dialogs/whyDeadline';
import { download } from './links';
import type { SnapshotsModel } from './model';
import type { OwnAssignmentsModel } from './ownAssignments';
import { findShown, openInLab } from './ownDocuments';
import { OwnCommandIDs } from './ownTokens';
import type { IOwnAssignment } from './ownTokens';
import { isolated } from './panels/files/target';
import { zoneTime } from './zones';

const ASSIGNMENT_ARGS = {
  type: 'object',
  properties: {
    course: { type: 'string', description: 'Code of the course' },
    id: { type: 'number', description: 'Number of the assignment' }
  },
  required: ['course', 'id']
} as const;

const SNAPSHOT_ARGS = {
  type: 'object',
  properties: {
    course: { type: 'string', description: 'Code of the course' },
    snapshot: { type: 'string', description: 'Full name of the own snapshot' }
  },
  required: ['course', 'snapshot']
} as const;

export interface IOwnCommandOptions {
  model: SnapshotsModel;
  own: OwnAssignmentsModel;
  palette: ICommandPalette | null;
  trans: TranslationBundle;
}

/** Registers the commands; that for hidden assignments is in the palette, too. */
export function addOwnCommands(app: JupyterFrontEnd, options: IOwnCommandOptions): void {
  const { model, own, palette, trans } = options;
  const { commands } = app;
  const zoneOf = (course: string) =>
    model.me?.courses.find(each => each.code === course)?.timeZone ?? 'UTC';
  const isStudent = () => model.connected && model.course?.role === 'student';

  const open = (course: string, id: number | null) =>
    attempt(trans.__('The assignment could not be opened'), async () => {
      const now = () => model.api.clock.now();
      const timeZone = zoneOf(course);
      const opened = await openAssignment({ own, course, timeZone, id, now, trans });
      if (opened) {
        await tellOpened(app, own, opened, { course, timeZone, trans });
      }
    });

  commands.addCommand(OwnCommandIDs.open, {
    label: trans.__('Open…'),
    caption: trans.__('Open the assignment; a limit of time begins with it'),
    icon: launchIcon,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args => open(text(args.course), Number(args.id))
  });
  commands.addCommand(OwnCommandIDs.openHidden, {
    label: trans.__('Open a Hidden Assignment…'),
    caption: trans.__('Open an assignment that is not listed, by its title and password'),
    isVisible: isStudent,
    isEnabled: isStudent,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => model.course && open(model.course.code, null)
  });
  commands.addCommand(OwnCommandIDs.openDocument, {
    label: trans.__('Open Document'),
    icon: fileIcon,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: args =>
      attempt(trans.__('The document can’t be opened here'), async () => {
        const path = own.find(text(args.course), Number(args.id))?.delivered;
        if (path) {
          await openInLab(app, path, trans);
        }
      })
  });
  commands.addCommand(OwnCommandIDs.why, {
    label: trans.__('Why This Deadline?'),
    icon: infoIcon,
    describedBy: { args: ASSIGNMENT_ARGS },
    execute: async args => {
      const course = text(args.course);
      const deadline = own.find(course, Number(args.id));
      if (deadline) {
        const { title } = deadline;
        await showWhyDeadline({ deadline, title, timeZone: zoneOf(course), trans });
      }
    }
  });
  const place = (args: ReadonlyPartialJSONObject) => ({
    course: text(args.course),
    student: model.me?.username ?? '',
    snapshot: text(args.snapshot),
    path: ''
  });
  commands.addCommand(OwnCommandIDs.downloadReceipt, {
    label: trans.__('Download Receipt'),
    caption: trans.__('Download the signed list of what was captured, to keep and to check'),
    icon: downloadIcon,
    describedBy: { args: SNAPSHOT_ARGS },
    execute: args => download(model.links.receiptUrl(place(args)))
  });
  commands.addCommand(OwnCommandIDs.showReceipt, {
    label: trans.__('Show Receipt to Print'),
    caption: trans.__('Open the receipt as a page in another tab of the browser'),
    icon: launchIcon,
    describedBy: { args: SNAPSHOT_ARGS },
    execute: args => {
      window.open(model.links.receiptUrl(place(args), true), '_blank', 'noopener');
    }
  });

  model.stateChanged.connect(() => commands.notifyCommandChanged(OwnCommandIDs.openHidden));
  palette?.addItem({ command: OwnCommandIDs.openHidden, category: trans.__('Snapshots') });
}

/** Says until when the student may work and where the document is; offers to open it. */
async function tellOpened(
  app: JupyterFrontEnd,
  own: OwnAssignmentsModel,
  opened: IOwnAssignment,
  { course, timeZone, trans }: { course: string; timeZone: string; trans: TranslationBundle }
): Promise<void> {
  const { delivered, ends, title } = opened;
  const left = own.leftOf(course, opened.id);
  const shown = delivered === null ? null : await findShown(app, delivered);
  const open = Dialog.okButton({ label: trans.__('Open Document') });
  const close = Dialog.cancelButton({ label: trans.__('Close') });
  const answer = await showDialog({
    title: trans.__('%1 is open', title),
    body: (
      <div className="jp-SnapshotsOpen">
        {left !== null && (
          <p>
            <strong>{trans.__('You have %1.', spokenTime(left, trans))}</strong>{' '}
            {ends && trans.__('Your time ends %1.', zoneTime(ends, timeZone, { seconds: true }))}{' '}
            {trans.__(
              'Save your work before: what is in your files then is captured by itself. The time left stands in the status bar.'
            )}
          </p>
        )}
        {delivered === null ? (
          <p>
            {trans.__('Its document is not in your files yet. It is listed in the panel then.')}
          </p>
        ) : (
          <p>
            {trans.__('The document is in your files:')}{' '}
            <code className="jp-SnapshotsOpen-path">{isolated(delivered)}</code>
            {shown === null && (
              <>
                {' '}
                {trans.__(
                  'That is its place in your home, outside of the folder that JupyterLab shows.'
                )}
              </>
            )}
          </p>
        )}
      </div>
    ),
    buttons: shown === null ? [Dialog.okButton({ label: trans.__('Close') })] : [close, open]
  });
  if (answer.button.accept && delivered !== null && shown !== null) {
    await openInLab(app, delivered, trans);
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
