/** The section of the panel with a student's own snapshots. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { PanelWithToolbar, ReactWidget, ToolbarButtonComponent } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';
import { age, localTime, size } from '../../format';
import { compareIcon, zipIcon } from '../../icons';
import { download } from '../../links';
import type { SnapshotsModel } from '../../model';
import { CommandIDs } from '../../tokens';
import type { IPlace, ISnapshot } from '../../tokens';
import { useModel, useNow } from '../hooks';
import { Message, StateChip, TextButton } from '../state';

/** A student's own snapshots, newest first. */
export class OwnPanel extends PanelWithToolbar {
  constructor(options: OwnPanel.IOptions) {
    super();
    const { trans } = options;
    this.addClass('jp-SnapshotsOwn');
    this.title.label = trans.__('My snapshots');
    const body = ReactWidget.create(<Own {...options} />);
    body.addClass('jp-SnapshotsOwn-body');
    this.addWidget(body);
  }
}

/** Options of the panel. */
export namespace OwnPanel {
  export interface IOptions {
    app: JupyterFrontEnd;
    commands: CommandRegistry;
    model: SnapshotsModel;
    trans: TranslationBundle;
    translator: ITranslator;
  }
}

type IOwnProps = Pick<OwnPanel.IOptions, 'commands' | 'model' | 'trans'>;

/** The list, or what stands in its place. */
export function Own(props: IOwnProps): React.JSX.Element {
  const { model, trans } = props;
  useModel(model);
  const username = model.me?.username ?? null;
  const course = model.course?.code ?? null;
  const found = username === null ? null : model.snapshotsOf(username);
  const problem = username === null ? null : model.problemOf({ student: username });
  const isMissing = found === null && problem === null;
  React.useEffect(() => {
    if (username !== null && course !== null && isMissing) {
      model.loadSnapshots(username).catch(() => undefined);
    }
  }, [model, username, course, isMissing]);

  if (problem && !found) {
    return (
      <Message
        kind="error"
        title={trans.__('Your snapshots can’t be shown')}
        text={problem.message}
        actions={
          <TextButton
            label={trans.__('Try Again')}
            onClick={() => {
              if (username !== null) {
                model.loadSnapshots(username).catch(() => undefined);
              }
            }}
          />
        }
      />
    );
  }
  if (!found) {
    return <Message kind="busy" title={trans.__('Loading…')} />;
  }
  if (!found.length) {
    return (
      <Message
        title={trans.__('No snapshots of your files yet')}
        text={trans.__(
          'Your instructor takes them, usually when something is due. Each one keeps your files as they were; you can look at them here, download them, and restore what was lost.'
        )}
      />
    );
  }
  return (
    <ul className="jp-SnapshotsOwn-list" aria-label={trans.__('My snapshots, newest first')}>
      {found.map(snapshot => (
        <OwnRow key={snapshot.name} {...props} snapshot={snapshot} />
      ))}
    </ul>
  );
}

interface IOwnRowProps extends IOwnProps {
  snapshot: ISnapshot;
}

function OwnRow({ commands, model, snapshot, trans }: IOwnRowProps): React.JSX.Element {
  const now = useNow(model.api.clock);
  const { name, student } = snapshot;
  const course = model.course;
  const place: IPlace = { course: course?.code ?? '', student, snapshot: name, path: '' };
  const shown = usePlace(model);
  const isShown = shown?.snapshot === name && shown.student === student;
  return (
    <li className={`jp-SnapshotsOwn-item${isShown ? ' jp-mod-selected' : ''}`}>
      <button
        type="button"
        className="jp-SnapshotsOwn-open"
        aria-current={isShown}
        title={name}
        aria-label={trans.__('Show the files of %1', name)}
        onClick={() => model.showPlace(place)}
      >
        <span className="jp-SnapshotsOwn-name">{name}</span>
        <span
          className="jp-SnapshotsOwn-when"
          title={localTime(snapshot.endedAt, course?.timeZone ?? 'UTC')}
        >
          {age(snapshot.endedAt, trans, now)}
          {snapshot.bytes !== null && ` · ${size(snapshot.bytes)}`}
        </span>
      </button>
      <span className="jp-SnapshotsOwn-state">
        <StateChip state={snapshot.state} problemCount={snapshot.problemCount} trans={trans} />
      </span>
      <span className="jp-SnapshotsOwn-actions">
        <ToolbarButtonComponent
          icon={compareIcon}
          tooltip={trans.__('Compare %1 with…', name)}
          onClick={() => {
            const args = { course: place.course, student, snapshot: name };
            void commands.execute(CommandIDs.compareSnapshots, args);
          }}
        />
        <ToolbarButtonComponent
          icon={zipIcon}
          tooltip={trans.__('Download %1 as Zip', name)}
          onClick={() => download(model.links.archiveUrl(place))}
        />
      </span>
    </li>
  );
}

/** The place whose files are shown. */
function usePlace(model: SnapshotsModel): IPlace | null {
  return React.useSyncExternalStore(
    React.useCallback(
      changed => {
        const onChange = () => changed();
        model.placeChanged.connect(onChange);
        return () => void model.placeChanged.disconnect(onChange);
      },
      [model]
    ),
    () => model.place
  );
}
