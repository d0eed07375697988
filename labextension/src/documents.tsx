/** Documents of snapshots: no kernel, nothing to save, and a bar that says whose and which. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  copyIcon,
  downloadIcon,
  ReactWidget,
  ToolbarButtonComponent
} from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import React from 'react';
import { localTime } from './format';
import { compareIcon, restoreIcon, snapshotsIcon } from './icons';
import { placeOf } from './links';
import {
  lockNotebook,
  withoutChanges,
  withoutCommands,
  withoutKernel,
  withoutScripts
} from './locks';
import { targetArgs } from './panels/files/target';
import { useModel } from './panels/hooks';
import { CommandIDs, DRIVE, ISnapshots } from './tokens';
import type { IPlace } from './tokens';

/** The class of a document of the drive. */
const DOCUMENT_CLASS = 'jp-SnapshotsDocument';

/** Says why a key that runs cells does nothing here. */
const EXPLAIN = 'snapshots:explain-read-only';

/** What JupyterLab binds the running of cells to; with our class before it they weigh more. */
const NOTEBOOKS = [
  '.jp-Notebook.jp-mod-commandMode:not(.jp-mod-readWrite) :focus',
  '.jp-Notebook.jp-mod-commandMode:not(.jp-mod-readWrite) :focus:not(:read-write)',
  '.jp-Notebook:focus',
  '.jp-Notebook.jp-mod-editMode'
];

/** Within this time the same is not told again, in milliseconds. */
const EXPLAIN_PAUSE = 1000;

const RUN_KEYS = ['Shift Enter', 'Ctrl Enter', 'Accel Enter', 'Alt Enter'];

/** Makes what is opened from the drive a thing to look at. */
export const documentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-snapshots:documents',
  description: 'Opens files of snapshots without a kernel, and says whose they are.',
  autoStart: true,
  requires: [ISnapshots],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, snapshots: ISnapshots, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyterhub_snapshots');
    const extension = new SnapshotDocuments({ app, snapshots, trans });
    const { docRegistry } = app;
    const known = new Set<string>();
    const extend = (name: string) => {
      if (!known.has(name.toLowerCase())) {
        known.add(name.toLowerCase());
        docRegistry.addWidgetExtension(name, extension);
      }
    };
    for (const factory of docRegistry.widgetFactories()) {
      extend(factory.name);
    }
    // Viewers of plugins that come later.
    docRegistry.changed.connect((_, change) => {
      if (change.type === 'widgetFactory' && change.change === 'added' && change.name) {
        extend(change.name);
      }
    });
    app.commands.addCommand(EXPLAIN, {
      label: trans.__('Explain Why a Snapshot Does Not Run'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => extension.explain()
    });
    for (const selector of NOTEBOOKS) {
      for (const key of RUN_KEYS) {
        const inside = `.${DOCUMENT_CLASS} ${selector}`;
        app.commands.addKeyBinding({ command: EXPLAIN, args: {}, keys: [key], selector: inside });
      }
    }
  }
};

/** Prepares each document of the drive when it is made, be it opened or restored with the page. */
export class SnapshotDocuments implements DocumentRegistry.WidgetExtension {
  constructor(private readonly _options: SnapshotDocuments.IOptions) {}

  /** Tells that nothing here is kept, and what to do instead; once for all cells of a notebook. */
  explain(about: 'change' | 'command' = 'change'): void {
    const { trans } = this._options;
    const now = Date.now();
    if (now - this._toldAt < EXPLAIN_PAUSE && this._toldAbout === about) {
      return;
    }
    this._toldAt = now;
    this._toldAbout = about;
    if (Notification.manager.has(this._told)) {
      Notification.dismiss(this._told);
    }
    this._told = Notification.info(about === 'command' ? commandsText(trans) : changesText(trans), {
      autoClose: 6000
    });
  }

  createNew(widget: Widget, context: DocumentRegistry.Context): IDisposable | void {
    if (!context.path.startsWith(`${DRIVE}:`)) {
      return;
    }
    const explain = () => this.explain();
    withoutKernel(context, explain);
    withoutChanges(context, explain);
    withoutCommands(widget.node, () => this.explain('command'));
    withoutScripts(widget, explain);
    widget.addClass(DOCUMENT_CLASS);
    const place = placeOf(context.path);
    if (place && widget instanceof DocumentWidget) {
      const bar = new SnapshotBar({ ...this._options, place });
      widget.contentHeader.insertWidget(0, bar);
    }
    const receiver = {};
    void context.ready.then(() => {
      if (!widget.isDisposed) {
        this._lock(widget, context, receiver);
      }
    });
    return new DisposableDelegate(() => Signal.clearData(receiver));
  }

  /** Lets nothing be typed; what a menu still does to the cells is explained. */
  private _lock(widget: Widget, context: DocumentRegistry.Context, receiver: object): void {
    context.model.readOnly = true;
    if (widget instanceof NotebookPanel) {
      lockNotebook(widget, context, receiver, () => this.explain());
      return;
    }
    // The text editor, without its package: what has an editor can be told to be read-only.
    const { editor } = (widget as unknown as { content?: { editor?: IEditorLike } }).content ?? {};
    editor?.setOption?.('readOnly', true);
  }

  private _told = '';
  private _toldAt = -Infinity;
  private _toldAbout = '';
}

function changesText(trans: TranslationBundle): string {
  return trans.__("Snapshots can't be run or changed. Use Copy to my files and open the copy.");
}

/** Why a button inside a document of somebody else does nothing. */
export function commandsText(trans: TranslationBundle): string {
  return trans.__(
    'This button is part of the document. It would run a command of JupyterLab in your name, so it does nothing here.'
  );
}

interface IEditorLike {
  setOption?: (name: string, value: unknown) => void;
}

/** Options of the extension. */
export namespace SnapshotDocuments {
  export interface IOptions {
    app: JupyterFrontEnd;
    snapshots: ISnapshots;
    trans: TranslationBundle;
  }
}

/** The bar above a document. */
export class SnapshotBar extends ReactWidget {
  constructor(private readonly _bar: ISnapshotBarOptions) {
    super();
    this.addClass('jp-SnapshotsBar');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _bar.trans.__('Snapshot'));
  }

  render(): React.JSX.Element {
    return <Bar {...this._bar} />;
  }
}

interface ISnapshotBarOptions extends SnapshotDocuments.IOptions {
  place: IPlace;
}

function Bar(props: ISnapshotBarOptions): React.JSX.Element {
  const { app, place, snapshots, trans } = props;
  const { model } = snapshots;
  useModel(model);
  const when = useTime(props);
  const path = `${DRIVE}:${[place.course, place.student, place.snapshot, place.path].join('/')}`;
  const run = (command: string) => () => {
    void app.commands.execute(command, targetArgs(path, 'file'));
  };
  const parts = [place.student, place.snapshot, ...place.path.split('/')];
  return (
    <>
      <button
        type="button"
        className="jp-SnapshotsBar-place"
        title={trans.__('Show in the Snapshots panel')}
        aria-label={trans.__(
          'Read-only: %1 of %2, from the snapshot %3. Show in the Snapshots panel.',
          place.path,
          place.student,
          place.snapshot
        )}
        onClick={() => snapshots.reveal(place)}
      >
        <snapshotsIcon.react tag="span" className="jp-SnapshotsBar-icon" />
        <span className="jp-SnapshotsBar-crumbs">
          {parts.map((part, depth) => (
            <span key={depth} className="jp-SnapshotsBar-crumb">
              {part}
            </span>
          ))}
        </span>
      </button>
      {when && <span className="jp-SnapshotsBar-when">{when}</span>}
      <div
        className="jp-SnapshotsBar-actions"
        role="toolbar"
        aria-label={trans.__('Actions for this file')}
      >
        <ToolbarButtonComponent
          icon={downloadIcon}
          tooltip={trans.__('Download')}
          onClick={run(CommandIDs.downloadFile)}
        />
        {model.links.me !== null && model.links.isOwn(place.course) && (
          <ToolbarButtonComponent
            icon={restoreIcon}
            tooltip={trans.__('Restore…')}
            onClick={run(CommandIDs.restore)}
          />
        )}
        <ToolbarButtonComponent
          icon={copyIcon}
          tooltip={trans.__('Copy to My Files…')}
          onClick={run(CommandIDs.copyToMyFiles)}
        />
        <ToolbarButtonComponent
          icon={compareIcon}
          tooltip={trans.__('Compare with…')}
          onClick={run(CommandIDs.compareFile)}
        />
      </div>
    </>
  );
}

/** When the snapshot was taken, once it is known. */
function useTime({ place, snapshots }: ISnapshotBarOptions): string {
  const { model } = snapshots;
  const [when, setWhen] = React.useState('');
  React.useEffect(() => {
    let isGone = false;
    const ask = async () => {
      await model.ready;
      const { endedAt } = await model.api.snapshot({ ...place, path: '' });
      const course = model.me?.courses.find(each => each.code === place.course);
      if (!isGone) {
        setWhen(localTime(endedAt, course?.timeZone ?? 'UTC'));
      }
    };
    // Without the time the bar still says which snapshot it is.
    ask().catch(() => undefined);
    return () => {
      isGone = true;
    };
  }, [model, place]);
  return when;
}
