/** The time left for what a student has opened: in the status bar, told aloud, and its end. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer } from 'react';
import { clockText, spokenTime } from './countdown';
import type { OwnAssignmentsModel } from './ownAssignments';
import { CommandIDs, ISnapshots } from './tokens';

/** Seconds before the end from which the time left stands out. */
const SHORT = 300;

/** How a notification looks. */
type Kind = 'info' | 'success' | 'warning';

interface ITimeLeftProps {
  own: OwnAssignmentsModel;
  trans: TranslationBundle;
  onClick: (course: string) => void;
}

/** What ends first, and how many others run. */
export function TimeLeftStatus({ own, trans, onClick }: ITimeLeftProps): JSX.Element | null {
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  useEffect(() => {
    const onChange = () => redraw();
    own.ticked.connect(onChange);
    own.stateChanged.connect(onChange);
    return () => {
      own.ticked.disconnect(onChange);
      own.stateChanged.disconnect(onChange);
    };
  }, [own]);
  const { running } = own;
  // What still runs is of more use than what has ended and waits for its capture.
  const first = running.find(each => each.left > 0) ?? running[0];
  if (!first) {
    return null;
  }
  const { title } = first.assignment;
  const said = first.left
    ? trans.__('%1 left for %2. Show it in the panel.', spokenTime(first.left, trans), title)
    : trans.__('Your time for %1 has ended; it is being captured. Show it in the panel.', title);
  const isShort = first.left <= SHORT;
  return (
    <button
      type="button"
      className={`jp-SnapshotsStatus jp-SnapshotsTimeLeft${isShort ? ' jp-mod-short' : ''}`}
      title={said}
      aria-label={said}
      onClick={() => onClick(first.course)}
    >
      <span className="jp-SnapshotsTimeLeft-title">{title}</span>
      <span className="jp-SnapshotsTimeLeft-clock">
        {first.left ? clockText(first.left) : trans.__('being captured…')}
      </span>
      {running.length > 1 && <span>{trans.__('+%1', running.length - 1)}</span>}
    </button>
  );
}

/** What is said at a moment. */
export function momentText(
  { assignment, left }: OwnAssignmentsModel.IReached,
  trans: TranslationBundle
): string {
  const { title } = assignment;
  return left > 0
    ? trans.__('%1: %2 left.', title, spokenTime(left, trans))
    : trans.__('%1: your time has ended. Your files are being captured.', title);
}

/** Tells the moments and the end, wherever in JupyterLab the person is. */
export class TimeLeftTeller {
  /**
   * @param show Shows the assignments of a course.
   */
  constructor(
    private readonly _own: OwnAssignmentsModel,
    private readonly _show: (course: string) => void,
    private readonly _trans: TranslationBundle
  ) {
    // Not in the panel, which may be hidden: what is hidden is not read aloud.
    this.node = document.createElement('div');
    this.node.className = 'jp-SnapshotsHidden';
    this.node.setAttribute('aria-live', 'polite');
    this.node.setAttribute('role', 'status');
    _own.reached.connect(this._onReached, this);
    _own.captured.connect(this._onCaptured, this);
    _own.stateChanged.connect(this._onChanged, this);
  }

  /** Has to be put into the page. */
  readonly node: HTMLElement;

  private _onReached(_: OwnAssignmentsModel, reached: OwnAssignmentsModel.IReached): void {
    const { assignment, course, moment } = reached;
    const message = momentText(reached, this._trans);
    const name = this._key(course, assignment.id);
    // A notification is read aloud by itself.
    this.node.textContent = moment === 10 ? message : '';
    if (moment === 0) {
      this._notify(name, course, 'info', message);
    } else if (moment !== 10) {
      const advice = this._trans.__('Save your work: only what is saved is captured.');
      this._notify(name, course, 'warning', `${message} ${advice}`);
    }
  }

  private _onCaptured(
    _: OwnAssignmentsModel,
    { assignment, course }: OwnAssignmentsModel.ICaptured
  ): void {
    const message = this._trans.__('%1: captured at the end of your time.', assignment.title);
    this._notify(this._key(course, assignment.id), course, 'success', message);
  }

  /** Takes back what holds only while a clock runs; that it was captured stays to be read. */
  private _onChanged(): void {
    const running = this._own.running.map(each => this._key(each.course, each.assignment.id));
    for (const [name, { id, kind }] of this._notified) {
      if (kind !== 'success' && !running.includes(name)) {
        Notification.dismiss(id);
        this._notified.delete(name);
      }
    }
  }

  /** Tells it in place of what was told before of the same assignment. */
  private _notify(name: string, course: string, kind: Kind, message: string): void {
    const before = this._notified.get(name);
    if (before !== undefined) {
      Notification.dismiss(before.id);
    }
    const id = Notification.emit(message, kind, {
      autoClose: false,
      actions: [this._showAction(course)]
    });
    this._notified.set(name, { id, kind });
  }

  private _showAction(course: string) {
    return {
      label: this._trans.__('Show'),
      caption: this._trans.__('Show it in the panel'),
      callback: () => this._show(course)
    };
  }

  private _key(course: string, id: number): string {
    return JSON.stringify([course, id]);
  }

  /** Notifications by assignment. */
  private readonly _notified = new Map<string, { id: string; kind: Kind }>();
}

/** See the module. */
export const timeLeftPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-snapshots:time-left',
  description: 'Shows and tells the time left for assignments with a limit of time.',
  autoStart: true,
  requires: [ISnapshots],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    snapshots: ISnapshots,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyterhub_snapshots');
    const { model, own } = snapshots;
    const show = (course: string) => {
      void model.selectCourse(course);
      void app.commands.execute(CommandIDs.openPanel);
    };
    document.body.append(new TimeLeftTeller(own, show, trans).node);
    if (!statusBar) {
      return;
    }
    const item = ReactWidget.create(<TimeLeftStatus own={own} trans={trans} onClick={show} />);
    statusBar.registerStatusItem('jupyterhub-snapshots:time-left', {
      item,
      align: 'middle',
      rank: 5,
      isActive: () => own.running.length > 0,
      activeStateChanged: own.stateChanged
    });
  }
};
