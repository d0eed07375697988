/** How the list of a snapshot's files is drawn: breadcrumb, what is wrong, and the rows. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';
import { localTime } from '../../format';
import type { SnapshotsModel } from '../../model';
import type { IEntry, IPlace } from '../../tokens';
import { Message, StateChip } from '../state';
import { isFocusElsewhere, isUpKey, Listing } from './rows';
import type { FilesModel } from './model';
import { reasonText } from '../reasons';

/** The list of files, without the panel's title and toolbar. */
export class FilesBody extends ReactWidget {
  constructor(private readonly _options: FilesBody.IOptions) {
    super();
    this.addClass('jp-SnapshotsFiles-body');
  }

  render(): React.JSX.Element {
    const { files, snapshots } = this._options;
    return (
      <UseSignal signal={snapshots.stateChanged}>
        {() => (
          <UseSignal signal={files.stateChanged}>{() => <Files {...this._options} />}</UseSignal>
        )}
      </UseSignal>
    );
  }
}

/** Options of the list. */
export namespace FilesBody {
  export interface IOptions {
    files: FilesModel;
    snapshots: SnapshotsModel;
    registry: DocumentRegistry;
    trans: TranslationBundle;
    /** Opens a file in JupyterLab. */
    open: (place: IPlace, entry: IEntry) => void;
  }
}

function Files(props: FilesBody.IOptions): React.JSX.Element {
  const { files, trans } = props;
  const { place, entries, error } = files;
  if (!place) {
    return (
      <Message
        title={trans.__('No snapshot chosen')}
        text={trans.__('Choose a snapshot above to see its files as they were.')}
      />
    );
  }
  const isEmpty = entries?.length === 0 && files.missing.length === 0;
  return (
    <>
      <Breadcrumb {...props} place={place} />
      <About {...props} place={place} />
      {error && (
        <Instead {...props}>
          <Message
            title={trans.__('The files can’t be shown')}
            text={error.message}
            actions={
              <>
                <button
                  type="button"
                  className="jp-mod-styled jp-mod-minimal"
                  onClick={() => {
                    files.keepFocus();
                    void files.refresh();
                  }}
                >
                  {trans.__('Try Again')}
                </button>
                {place.path && (
                  <button
                    type="button"
                    className="jp-mod-styled jp-mod-minimal"
                    onClick={() => files.goTo('')}
                  >
                    {trans.__('Show the Top Folder')}
                  </button>
                )}
              </>
            }
          />
        </Instead>
      )}
      {isEmpty && (
        <Instead {...props}>
          <Message
            title={trans.__('This folder is empty')}
            text={
              place.path || files.detail?.includeHidden
                ? trans.__('There was nothing in it when the snapshot was taken.')
                : trans.__(
                    'There was nothing in it when the snapshot was taken, hidden files apart.'
                  )
            }
          />
        </Instead>
      )}
      {!entries && !error && (
        <div className="jp-SnapshotsFiles-loading" role="status">
          {trans.__('Loading…')}
        </div>
      )}
      {entries && !isEmpty && (
        <Listing
          // Another folder is another list, with its own scroll and focus.
          key={[place.course, place.student, place.snapshot, place.path].join('/')}
          {...props}
          place={place}
          entries={entries}
        />
      )}
      <Missing {...props} />
    </>
  );
}

/** What stands where the rows would be; the keyboard finds its way up from here, too. */
function Instead({
  files,
  children
}: React.PropsWithChildren<FilesBody.IOptions>): React.JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    if (files.takesFocus() && !isFocusElsewhere()) {
      node.current?.focus();
    }
  });
  return (
    <div
      ref={node}
      className="jp-SnapshotsFiles-instead"
      tabIndex={-1}
      onKeyDown={event => {
        if (isUpKey(event)) {
          event.preventDefault();
          event.stopPropagation();
          files.up();
        }
      }}
    >
      {children}
    </div>
  );
}

interface IAt extends FilesBody.IOptions {
  place: IPlace;
}

/** Whose snapshot, which one, and the folders down to what is shown. */
function Breadcrumb({ place, snapshots, trans }: IAt): React.JSX.Element {
  const others = snapshots.snapshotsOf(place.student);
  const { course, student } = place;
  const isUnknown = others === null;
  React.useEffect(() => {
    // Which other snapshots there are is an addition; the panel shows it when the service is down.
    if (isUnknown && course === snapshots.course?.code) {
      snapshots.loadSnapshots(student).catch(() => undefined);
    }
  }, [snapshots, course, student, isUnknown]);
  const folders = place.path ? place.path.split('/') : [];
  const choices = others?.map(each => each.name) ?? [];
  return (
    <nav className="jp-SnapshotsFiles-crumbs" aria-label={trans.__('Place in the snapshot')}>
      <div className="jp-SnapshotsFiles-whose">
        <span className="jp-SnapshotsFiles-student" title={place.student}>
          {place.student}
        </span>
        <HTMLSelect
          aria-label={trans.__('Snapshot of %1', place.student)}
          title={place.snapshot}
          value={place.snapshot}
          onChange={event => snapshots.showPlace({ ...place, snapshot: event.target.value })}
        >
          {(choices.includes(place.snapshot) ? choices : [place.snapshot, ...choices]).map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </HTMLSelect>
      </div>
      <ol className="jp-SnapshotsFiles-path">
        {[place.snapshot, ...folders].map((name, depth) => (
          <li key={depth}>
            {depth < folders.length ? (
              <button
                type="button"
                className="jp-SnapshotsFiles-crumb"
                title={name}
                aria-label={depth ? name : trans.__('Top of the snapshot')}
                onClick={() =>
                  snapshots.showPlace({ ...place, path: folders.slice(0, depth).join('/') })
                }
              >
                {depth ? name : trans.__('Top')}
              </button>
            ) : (
              <span className="jp-SnapshotsFiles-here" aria-current="location" title={name}>
                {depth ? name : trans.__('Top')}
              </span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** When the snapshot was taken and how good it is. */
function About({ files, snapshots, place, trans }: IAt): React.JSX.Element | null {
  const detail = files.detail;
  if (!detail) {
    return null;
  }
  const course = snapshots.me?.courses.find(each => each.code === place.course);
  return (
    <div className="jp-SnapshotsFiles-about">
      <StateChip state={detail.state} problemCount={detail.problemCount} trans={trans} />
      {detail.endedAt && <span>{localTime(detail.endedAt, course?.timeZone ?? 'UTC')}</span>}
    </div>
  );
}

/** What should be in this folder and is not. */
function Missing({ files, trans }: FilesBody.IOptions): React.JSX.Element | null {
  const { missing } = files;
  if (!missing.length) {
    return null;
  }
  return (
    <details className="jp-SnapshotsFiles-missing">
      <summary>
        {trans._n(
          '%1 item could not be captured',
          '%1 items could not be captured',
          missing.length
        )}
      </summary>
      <ul>
        {missing.slice(0, 100).map(each => (
          <li key={each.path}>
            <strong>{each.path.slice(each.path.lastIndexOf('/') + 1)}</strong>{' '}
            {reasonText(each.reason, trans)}
          </li>
        ))}
      </ul>
    </details>
  );
}
