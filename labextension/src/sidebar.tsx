/** The panel: a header with the course, messages and running captures, and the sections. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import {
  addToolbarButtonClass,
  CommandToolbarButton,
  ellipsesIcon,
  HTMLSelect,
  ReactWidget,
  SidePanel,
  Toolbar,
  ToolbarButtonComponent
} from '@jupyterlab/ui-components';
import { MessageLoop } from '@lumino/messaging';
import type { Message as LuminoMessage } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { AccordionPanel, PanelLayout } from '@lumino/widgets';
import React from 'react';
import type { AssignmentsModel } from './assignments';
import { Batches } from './batch';
import { displayName } from './format';
import { trouble } from './handshake';
import { snapshotsIcon } from './icons';
import type { SnapshotsModel } from './model';
import type { OwnAssignmentsModel } from './ownAssignments';
import { AssignmentsPanel } from './panels/assignments';
import { FilesPanel } from './panels/files';
import { useModel } from './panels/hooks';
import { openMenu } from './panels/menu';
import { OwnPanel } from './panels/own';
import { AssignedPanel } from './panels/own/assignments';
import { NamesPanel } from './panels/snapshots';
import { Message, TextButton } from './panels/state';
import { StudentsPanel } from './panels/students';
import { CommandIDs } from './tokens';
import type { Role } from './tokens';

/** Id of the panel in JupyterLab's shell. */
export const PANEL_ID = 'jupyterhub-snapshots-panel';

type Kind = Role | 'nothing';

/** See the module. */
export class SnapshotsSidebar extends SidePanel {
  constructor(options: SnapshotsSidebar.IOptions) {
    super({ translator: options.translator });
    const { model, app, trans } = options;
    this._model = model;
    this.id = PANEL_ID;
    this.addClass('jp-SnapshotsSidebar');
    this.title.icon = snapshotsIcon;
    this.title.caption = trans.__('Snapshots');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Snapshots'));

    const header = ReactWidget.create(<Header model={model} trans={trans} />);
    header.addClass('jp-SnapshotsHeader');
    this.header.addWidget(header);
    this._addToolbar(app, trans);
    const notices = ReactWidget.create(<Notices model={model} trans={trans} />);
    notices.addClass('jp-SnapshotsNotices');
    const layout = this.layout as PanelLayout;
    layout.insertWidget(layout.widgets.length - 1, notices);
    // What is said there takes room from the sections, which have to be told.
    this._observer = new ResizeObserver(() => {
      MessageLoop.postMessage(this.content, Widget.ResizeMessage.UnknownSize);
    });
    this._observer.observe(notices.node);

    const files = new FilesPanel({ ...options, commands: app.commands });
    const ofClass = [
      new AssignmentsPanel(options),
      new StudentsPanel(options),
      new NamesPanel(options),
      files
    ];
    this._sections = {
      instructor: ofClass,
      assistant: ofClass,
      student: [
        new AssignedPanel({ ...options, commands: app.commands }),
        new OwnPanel({ ...options, commands: app.commands }),
        files
      ],
      nothing: []
    };
    this._files = files;
    this.content.hide();
    model.stateChanged.connect(this._onModelChanged, this);
    model.placeChanged.connect(this._onPlaceChanged, this);
    this._onModelChanged();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._observer.disconnect();
    this._model.stateChanged.disconnect(this._onModelChanged, this);
    this._model.placeChanged.disconnect(this._onPlaceChanged, this);
    Object.values(this._sections)
      .flat()
      .forEach(section => section.dispose()); // A second time does nothing.
    super.dispose();
  }

  protected onAfterShow(message: LuminoMessage): void {
    super.onAfterShow(message);
    this._model.visible = true;
  }

  protected onAfterAttach(message: LuminoMessage): void {
    super.onAfterAttach(message);
    this._model.visible = this.isVisible;
  }

  protected onAfterHide(message: LuminoMessage): void {
    super.onAfterHide(message);
    this._model.visible = false;
  }

  private _addToolbar(app: JupyterFrontEnd, trans: TranslationBundle): void {
    const { commands } = app;
    this.toolbar.node.setAttribute('aria-label', trans.__('Snapshots'));
    const take = new CommandToolbarButton({
      commands,
      id: CommandIDs.take,
      label: trans.__('Take Snapshot…')
    });
    const more: Widget = addToolbarButtonClass(
      ReactWidget.create(
        // Not a `ToolbarButton`, which tells readers of the screen of a state that it has not.
        <ToolbarButtonComponent
          icon={ellipsesIcon}
          tooltip={trans.__('More')}
          aria-haspopup="menu"
          onClick={() => {
            const box = more.node.getBoundingClientRect();
            const entries = [
              CommandIDs.newAssignment,
              CommandIDs.openGrid,
              null,
              CommandIDs.downloadClass,
              CommandIDs.returnReports
            ];
            openMenu(
              commands,
              entries.map(command => (command === null ? null : { command })),
              box.left,
              box.bottom
            );
          }}
        />
      )
    );
    this.toolbar.addItem('take', take);
    this.toolbar.addItem('spacer', Toolbar.createSpacerItem());
    this.toolbar.addItem(
      'refresh',
      new CommandToolbarButton({ commands, id: CommandIDs.refresh, label: '' })
    );
    this.toolbar.addItem('more', more);
    this._forInstructors = [take];
    this._forClass = [more];
  }

  /** Shows the sections of what the caller is in the course. */
  private _onModelChanged(): void {
    const { course, connected } = this._model;
    const kind: Kind = connected && course ? course.role : 'nothing';
    if (kind === this._kind) {
      return;
    }
    this._kind = kind;
    this._forInstructors.forEach(widget => widget.setHidden(kind !== 'instructor'));
    this._forClass.forEach(widget => widget.setHidden(kind === 'student' || kind === 'nothing'));
    [...this.widgets].forEach(section => {
      section.parent = null;
    });
    this._sections[kind].forEach(section => this.addWidget(section));
    this.content.setHidden(kind === 'nothing');
    if (kind !== 'nothing' && this._model.place === null) {
      this._setExpanded(this._files, false);
    }
  }

  private _onPlaceChanged(): void {
    if (this._model.place !== null) {
      this._setExpanded(this._files, true);
    }
  }

  private _setExpanded(section: Widget, expand: boolean): void {
    const accordion = this.content as AccordionPanel;
    const index = this.widgets.indexOf(section);
    if (index < 0 || section.isHidden !== expand) {
      return;
    }
    if (expand) {
      accordion.expand(index);
      // It had no height before it was collapsed, so it would get none now.
      accordion.setRelativeSizes(
        this.widgets.map(each => (each.isHidden ? 0 : each === section ? 2 : 1))
      );
    } else {
      accordion.collapse(index);
    }
  }

  private readonly _model: SnapshotsModel;
  private readonly _sections: Record<Kind, Widget[]>;
  private readonly _files: Widget;
  private readonly _observer: ResizeObserver;
  private _forInstructors: Widget[] = [];
  private _forClass: Widget[] = [];
  private _kind: Kind | null = null;
}

/** Options of `SnapshotsSidebar`. */
export namespace SnapshotsSidebar {
  export interface IOptions {
    model: SnapshotsModel;
    assignments: AssignmentsModel;
    own: OwnAssignmentsModel;
    app: JupyterFrontEnd;
    trans: TranslationBundle;
    translator: ITranslator;
    /** Takes files that were dropped on a student. */
    onDropFiles?: (student: string, dropped: DataTransfer) => void;
  }
}

interface IModelProps {
  model: SnapshotsModel;
  trans: TranslationBundle;
}

/** The course: a picker when there are several. */
function Header({ model, trans }: IModelProps): JSX.Element {
  useModel(model);
  const courses = model.me?.courses ?? [];
  const { course } = model;
  if (!course) {
    return <span className="jp-SnapshotsHeader-title">{trans.__('Snapshots')}</span>;
  }
  if (courses.length === 1) {
    return (
      <span className="jp-SnapshotsHeader-title" title={`${course.title} (${course.code})`}>
        {course.title}
      </span>
    );
  }
  return (
    <HTMLSelect
      aria-label={trans.__('Course')}
      title={`${course.title} (${course.code})`}
      value={course.code}
      onChange={event => void model.selectCourse(event.target.value)}
      options={courses.map(each => ({ value: each.code, label: each.title }))}
    />
  );
}

/** What is wrong, or what runs. */
function Notices({ model, trans }: IModelProps): JSX.Element {
  useModel(model);
  const again = (
    <TextButton
      label={trans.__('Try Again')}
      disabled={model.loading}
      onClick={() => void model.refresh()}
    />
  );
  const found = trouble(model, trans);
  if (found) {
    return (
      <Message kind="error" title={found.title} text={found.text} actions={found.retry && again} />
    );
  }
  if (!model.connected || !model.course) {
    return <Message kind="busy" title={trans.__('Looking for the snapshot service…')} />;
  }
  const names = new Map(model.students?.map(each => [each.username, displayName(each)]));
  return (
    <>
      {model.error && (
        <div className="jp-SnapshotsNotices-error" role="alert">
          <span>{model.error.message}</span>
          {again}
        </div>
      )}
      <Batches
        batches={model.batches}
        course={model.course.code}
        trans={trans}
        nameOf={student => names.get(student) ?? student}
        mayChange={model.isInstructor}
      />
    </>
  );
}
