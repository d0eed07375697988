/** Returning reports: files are chosen, checked, shown, and sent. */

import { Dialog, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import type { SnapshotsModel } from '../model';
import { useModel } from '../panels/hooks';
import { TextButton } from '../panels/state';
import { chosenFiles, droppedFiles, isSendable, namesOf } from '../reports';
import type { IPlan, IReturnedFile } from '../reports';
import { ReportsModel, reportsTrouble } from './reportsModel';

/** Rows that are drawn at once; a button shows the rest. */
const ROWS = 500;

/** What is returned to whom. */
export interface IReturnReportsOptions {
  model: SnapshotsModel;
  trans: TranslationBundle;
  /** Username of the one student that all files are for; else their names tell. */
  student?: string;
  /** What was dropped; without it the dialog begins with a chooser. */
  files?: readonly IReturnedFile[];
}

/** Shows the dialog; resolves when it is closed. What is being sent then goes on to be. */
export async function returnReports(options: IReturnReportsOptions): Promise<void> {
  const { model, trans, student, files } = options;
  if (!model.course || !model.isInstructor) {
    Notification.warning(trans.__('Choose a course in which you are an instructor first.'));
    return;
  }
  const reports = new ReportsModel({
    api: model.api,
    course: model.course.code,
    names: namesOf(model.students),
    student,
    trans
  });
  if (files?.length) {
    void reports.check(files);
  }
  await showReports(
    reports,
    trans.__('Return Reports to %1', student ?? model.course.title),
    trans
  );
}

async function showReports(
  reports: ReportsModel,
  title: string,
  trans: TranslationBundle
): Promise<void> {
  const dialog = new Dialog({
    title,
    body: new ReportsBody(reports, trans),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })],
    hasClose: true,
    focusNodeSelector: '.jp-SnapshotsReports button'
  });
  dialog.addClass('jp-SnapshotsReports-dialog');
  await dialog.launch();
  if (reports.phase === 'sending') {
    followWithoutDialog(reports, title, trans);
  } else {
    reports.dispose();
  }
}

/** Tells of the end where everybody sees it; the dialog can be opened again. */
function followWithoutDialog(reports: ReportsModel, title: string, trans: TranslationBundle): void {
  const show = {
    label: trans.__('Show'),
    caption: trans.__('Show each file'),
    callback: () => {
      reports.stateChanged.disconnect(onChanged);
      Notification.dismiss(id);
      void showReports(reports, title, trans);
    }
  };
  const onChanged = () => {
    if (reports.phase === 'sending') {
      return;
    }
    reports.stateChanged.disconnect(onChanged);
    // One that was dismissed can't be changed.
    Notification.dismiss(id);
    const text = trans.__('%1: %2', title, statusText({ reports, trans }));
    if (reports.progress.failed) {
      id = Notification.warning(text, { autoClose: false, actions: [show] });
    } else {
      Notification.success(text, { autoClose: 8000 });
      reports.dispose();
    }
  };
  let id = Notification.emit(
    trans.__('%1: files are still being returned.', title),
    'in-progress',
    { autoClose: false, actions: [show] }
  );
  reports.stateChanged.connect(onChanged);
}

class ReportsBody extends ReactWidget {
  constructor(
    private readonly _reports: ReportsModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-SnapshotsReports');
  }

  render(): React.JSX.Element {
    return <Reports reports={this._reports} trans={this._trans} />;
  }
}

interface IReportsProps {
  reports: ReportsModel;
  trans: TranslationBundle;
}

/** The dialog's inside, whatever it is at. */
export function Reports(props: IReportsProps): React.JSX.Element {
  const { reports, trans } = props;
  useModel(reports);
  return (
    <>
      {reports.error && (
        <p className="jp-SnapshotsReports-error" role="alert">
          {reports.error}
        </p>
      )}
      {reports.phase === 'choosing' && <Chooser {...props} />}
      {reports.phase === 'checking' && <p role="status">{trans.__('Checking the files…')}</p>}
      {['checked', 'sending', 'done'].includes(reports.phase) && <Plans {...props} />}
    </>
  );
}

/** A field to drop files on, and buttons that do the same by keyboard. */
function Chooser({ reports, trans }: IReportsProps): React.JSX.Element {
  const files = React.useRef<HTMLInputElement>(null);
  const folder = React.useRef<HTMLInputElement>(null);
  const [isOver, setOver] = React.useState(false);
  const take = (event: React.ChangeEvent<HTMLInputElement>) => {
    void reports.check(chosenFiles([...(event.target.files ?? [])]));
  };
  return (
    <div
      className={`jp-SnapshotsReports-drop${isOver ? ' jp-mod-dropTarget' : ''}`}
      onDragOver={event => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        droppedFiles(event.dataTransfer).then(
          found => reports.check(found),
          (reason: Error) => Notification.error(reportsTrouble(reason, trans))
        );
      }}
    >
      <p>
        {reports.student
          ? trans.__('Drop files here, or choose them. They go to the top of the student’s files.')
          : trans.__(
              'Drop files, a folder or a zip here, or choose them. Each file goes to the student whose name its folder has, or its own name begins with: ada/feedback.html, ada_week-1.html.'
            )}
      </p>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label={trans.__('Files to return')}
        onChange={take}
      />
      <input
        ref={folder}
        type="file"
        hidden
        aria-label={trans.__('Folder to return')}
        onChange={take}
        {...{ webkitdirectory: '' }}
      />
      <div className="jp-SnapshotsReports-buttons">
        <TextButton
          label={trans.__('Choose Files or a Zip…')}
          onClick={() => files.current?.click()}
        />
        <TextButton label={trans.__('Choose a Folder…')} onClick={() => folder.current?.click()} />
      </div>
    </div>
  );
}

/** Who gets what, and how far it is. */
function Plans(props: IReportsProps): React.JSX.Element {
  const { reports, trans } = props;
  const [areAll, setAll] = React.useState(false);
  const { plans, phase, progress } = reports;
  const problems = plans.filter(each => !isSendable(each)).length;
  const sendable = plans.length - problems;
  const shown = areAll ? plans : plans.slice(0, ROWS);
  return (
    <>
      <p>
        {trans._n('%1 file can be returned.', '%1 files can be returned.', sendable)}{' '}
        {problems > 0 &&
          trans._n(
            '%1 can not, for the reason in its row.',
            '%1 can not, for the reason in their rows.',
            problems
          )}
      </p>
      <div className="jp-SnapshotsReports-scroll" tabIndex={-1}>
        <table className="jp-SnapshotsReports-table">
          <thead>
            <tr>
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label={trans.__('Return all that can be returned')}
                  checked={sendable > 0 && reports.chosen === sendable}
                  disabled={phase !== 'checked' || !sendable}
                  onChange={event => reports.chooseAll(event.target.checked)}
                />
              </th>
              <th scope="col">{trans.__('File')}</th>
              <th scope="col">{trans.__('Student')}</th>
              <th scope="col">{trans.__('Becomes')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(each => (
              <PlanRow key={each.file} {...props} each={each} />
            ))}
          </tbody>
        </table>
        {shown.length < plans.length && (
          <TextButton
            label={trans.__('Show all %1 files', plans.length)}
            onClick={() => setAll(true)}
          />
        )}
      </div>
      {phase !== 'checked' && (
        <progress
          className="jp-SnapshotsReports-progress"
          aria-label={trans.__('Returning the files')}
          max={progress.total}
          value={progress.returned + progress.failed}
        />
      )}
      {phase === 'sending' && (
        <p>{trans.__('%1 of %2 files returned', progress.returned, progress.total)}</p>
      )}
      <p role="status">{statusText(props)}</p>
      <Actions {...props} />
    </>
  );
}

/** How far it is, or how it ended. */
function statusText({ reports, trans }: IReportsProps): string {
  const { phase, progress } = reports;
  const { total, returned, failed } = progress;
  if (phase === 'checked') {
    return '';
  }
  if (phase === 'sending') {
    // The counts are beside it: not each of them is to be read aloud.
    return trans.__('The files are being returned. That goes on when this is closed.');
  }
  const rest = total - returned - failed;
  const parts = [trans._n('%1 file was returned.', '%1 files were returned.', returned)];
  if (failed) {
    parts.push(trans._n('%1 failed; its row says why.', '%1 failed; their rows say why.', failed));
  }
  if (rest) {
    parts.push(trans._n('%1 was cancelled.', '%1 were cancelled.', rest));
  }
  return parts.join(' ');
}

function Actions({ reports, trans }: IReportsProps): React.JSX.Element {
  const { phase, progress, chosen } = reports;
  const rest = progress.total - progress.returned - progress.failed;
  const node = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    // The button that was pressed may be gone; without a focus the dialog hears no key.
    if (document.activeElement === document.body) {
      node.current?.querySelector<HTMLElement>('button:last-of-type:enabled')?.focus();
    }
  }, [phase]);
  return (
    <div className="jp-SnapshotsReports-buttons" ref={node}>
      {phase === 'checked' && (
        <>
          <TextButton label={trans.__('Choose Other Files')} onClick={() => reports.startOver()} />
          <TextButton
            accent
            disabled={!chosen}
            label={trans._n('Return %1 File', 'Return %1 Files', chosen)}
            onClick={() => void reports.send()}
          />
        </>
      )}
      {phase === 'sending' && (
        <TextButton label={trans.__('Cancel')} onClick={() => reports.cancel()} />
      )}
      {phase === 'done' && (
        <>
          <TextButton label={trans.__('Return More')} onClick={() => reports.startOver()} />
          {progress.failed > 0 && (
            <TextButton
              accent
              label={trans.__('Retry Failed')}
              onClick={() => void reports.retry()}
            />
          )}
          {rest > 0 && (
            <TextButton accent label={trans.__('Continue')} onClick={() => void reports.resume()} />
          )}
        </>
      )}
    </div>
  );
}

interface IPlanRowProps extends IReportsProps {
  each: IPlan;
}

function PlanRow({ reports, trans, each }: IPlanRowProps): React.JSX.Element {
  const outcome = reports.outcomes.get(each.file);
  const isBad = !isSendable(each) || outcome?.name === null;
  const note =
    outcome?.message ?? (isSendable(each) ? null : (each.message ?? problemText(each, trans)));
  return (
    <tr className={isBad ? 'jp-mod-problem' : undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={trans.__('Return %1', each.file)}
          checked={reports.isChosen(each)}
          disabled={reports.phase !== 'checked' || !isSendable(each)}
          onChange={event => reports.choose(each, event.target.checked)}
        />
      </td>
      <td title={each.file}>{each.file}</td>
      <td>{each.student ?? '–'}</td>
      <td>
        {note ?? (outcome?.name ? trans.__('%1 (returned)', outcome.name) : each.reportName)}
        {!note && !outcome && each.other !== null && (
          <div className="jp-SnapshotsReports-doubt">
            {trans.__('Not chosen at first: its name or folder is that of %1.', each.other)}
          </div>
        )}
      </td>
    </tr>
  );
}

/** Why a file can't be returned, where the service didn't say. */
function problemText(each: IPlan, trans: TranslationBundle): string {
  switch (each.problem) {
    case 'exists':
      return trans.__('The student already has a file of this name.');
    case 'wrong_type':
      return trans.__('Reports are text, HTML or notebooks.');
    case 'duplicate':
      return trans.__('Two files would have the same name.');
    case 'ambiguous':
      return trans.__('The name may be that of two students.');
    case 'no_home':
      return trans.__('The student has no files yet.');
    case 'bad_name':
      return trans.__('Nothing usable is left of the name.');
    default:
      return trans.__('The name is no student’s of this course.');
  }
}
