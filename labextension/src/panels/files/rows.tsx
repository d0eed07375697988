/** The rows of a folder: a grid that draws only what is in view. */

import { fileIcon, folderIcon, linkIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { age, localTime, size } from '../../format';
import { drivePath } from '../../links';
import type { IEntry, IPlace } from '../../tokens';
import type { FilesBody } from './body';
import { rowAfterKey, rowsInView, rowTyped } from './listing';
import type { SortKey } from './listing';
import { reasonText } from '../reasons';
import { ITEM_CLASS } from './target';

/** Of one row, in pixels; the style sheet says the same. */
export const ROW_HEIGHT = 24;

/** A pause after which typing begins a new name, in milliseconds. */
const TYPING_PAUSE = 1000;

/** The rows of a folder. */
export function Listing(props: IListingProps): React.JSX.Element {
  const { files, place, entries, trans, open } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const typed = React.useRef({ text: '', at: 0 });
  const [view, setView] = React.useState({ top: 0, height: 400 });
  const [current, setCurrent] = React.useState(() =>
    Math.max(
      entries.findIndex(entry => entry.path === files.wanted),
      0
    )
  );
  const row = Math.min(current, entries.length - 1);

  React.useEffect(() => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const look = () => setView({ top: node.scrollTop, height: node.clientHeight || 400 });
    const observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(look);
    observer?.observe(node);
    return () => observer?.disconnect();
  }, []);

  const focusRow = (index: number) => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const top = index * ROW_HEIGHT;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + ROW_HEIGHT > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + ROW_HEIGHT - node.clientHeight;
    }
    node.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus({ preventScroll: true });
  };

  // Where the keyboard went; drawn first, then focused.
  const [asked, setAsked] = React.useState(() => ({
    row,
    focus: files.takesFocus(),
    isFirst: true
  }));
  React.useLayoutEffect(() => {
    if (asked.focus && !(asked.isFirst && isFocusElsewhere())) {
      focusRow(asked.row);
    } else if (asked.row && scroller.current) {
      scroller.current.scrollTop = Math.max(asked.row - 2, 0) * ROW_HEIGHT;
    }
  }, [asked]);

  const moveTo = (index: number) => {
    setCurrent(index);
    setAsked({ row: index, focus: true, isFirst: false });
  };

  const activate = (entry: IEntry) => {
    if (entry.type === 'folder') {
      files.goTo(entry.path);
    } else {
      open(place, entry);
    }
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const page = Math.max(Math.floor(view.height / ROW_HEIGHT) - 1, 1);
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    const next =
      event.altKey || modified ? null : rowAfterKey(event.key, row, entries.length, page);
    if (next !== null) {
      moveTo(next);
    } else if (event.key === 'Enter' && !modified && entries[row]) {
      activate(entries[row]);
    } else if (isUpKey(event)) {
      files.up();
    } else if (event.key.length === 1 && event.key !== ' ' && !event.altKey && !modified) {
      const now = event.timeStamp;
      const goesOn = now - typed.current.at < TYPING_PAUSE;
      typed.current = { text: (goesOn ? typed.current.text : '') + event.key, at: now };
      const found = rowTyped(entries, row, typed.current.text);
      if (found !== null) {
        moveTo(found);
      }
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const { first, end } = rowsInView(view.top, view.height, ROW_HEIGHT, entries.length);
  const drawn = Array.from({ length: Math.max(end - first, 0) }, (_, at) => first + at);
  if (row >= 0 && (row < first || row >= end)) {
    // Out of view, but Tab still leads to it.
    drawn.push(row);
  }
  return (
    <div
      className="jp-SnapshotsFiles-grid"
      role="grid"
      aria-label={trans.__('Files of %1 in %2', place.student, place.snapshot)}
      aria-rowcount={entries.length + 1}
      aria-readonly="true"
    >
      <Header {...props} />
      <div
        className="jp-SnapshotsFiles-rows"
        role="rowgroup"
        ref={scroller}
        onScroll={event =>
          setView({
            top: event.currentTarget.scrollTop,
            height: event.currentTarget.clientHeight || 400
          })
        }
        onKeyDown={onKeyDown}
      >
        <div role="presentation" style={{ height: entries.length * ROW_HEIGHT }}>
          {drawn.map(index => (
            <Row
              key={entries[index].path}
              {...props}
              entry={entries[index]}
              index={index}
              isCurrent={index === row}
              choose={() => setCurrent(index)}
              activate={() => activate(entries[index])}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** Whether the key leads to the folder above. */
export function isUpKey({ altKey, key }: React.KeyboardEvent): boolean {
  return key === 'Backspace' || (altKey && key === 'ArrowUp');
}

/** Whether somebody went on to another part of the page while this one was loading. */
export function isFocusElsewhere(): boolean {
  const { activeElement, body } = document;
  return activeElement !== null && activeElement !== body;
}

/** What the list is of. */
export interface IListingProps extends FilesBody.IOptions {
  place: IPlace;
  entries: readonly IEntry[];
}

/** The columns' names, which sort. */
function Header({ files, trans }: IListingProps): React.JSX.Element {
  const columns: [SortKey, string][] = [
    ['name', trans.__('Name')],
    ['modified', trans.__('Modified')],
    ['size', trans.__('Size')]
  ];
  const { key, ascending } = files.sort;
  const Caret = ascending ? caretUpIcon : caretDownIcon;
  return (
    <div role="rowgroup">
      <div className="jp-SnapshotsFiles-header" role="row" aria-rowindex={1}>
        {columns.map(([column, label]) => (
          <div
            key={column}
            role="columnheader"
            className={`jp-SnapshotsFiles-${column}`}
            aria-sort={column !== key ? 'none' : ascending ? 'ascending' : 'descending'}
          >
            <button type="button" onClick={() => files.sortBy(column)}>
              {label}
              {column === key && <Caret.react tag="span" />}
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}

interface IRowProps extends IListingProps {
  entry: IEntry;
  index: number;
  isCurrent: boolean;
  choose: () => void;
  activate: () => void;
}

function Row(props: IRowProps): React.JSX.Element {
  const { files, snapshots, place, entry, index, trans } = props;
  const problem = files.problem(entry);
  const note = problem ? reasonText(problem.reason, trans) : '';
  const course = snapshots.me?.courses.find(each => each.code === place.course);
  const when = entry.modifiedAt;
  const kind = kindText(entry, trans);
  const classes = [ITEM_CLASS, props.isCurrent ? 'jp-mod-selected' : '', note && 'jp-mod-flagged'];
  const Icon = iconOf(entry, props.registry);
  return (
    <div
      className={classes.filter(Boolean).join(' ')}
      style={{ top: index * ROW_HEIGHT }}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={props.isCurrent}
      tabIndex={props.isCurrent ? 0 : -1}
      data-row={index}
      data-path={drivePath({ ...place, path: entry.path })}
      data-type={entry.type}
      onFocus={props.choose}
      onMouseDown={props.choose}
      onDoubleClick={props.activate}
    >
      <div role="gridcell" className="jp-SnapshotsFiles-name" title={entry.name}>
        <Icon.react tag="span" className="jp-SnapshotsFiles-icon" title={kind} />
        <span className="jp-SnapshotsFiles-text">{entry.name}</span>
        {note && (
          <span className="jp-SnapshotsFiles-flag" title={note} role="img" aria-label={note}>
            !
          </span>
        )}
      </div>
      <div
        role="gridcell"
        className="jp-SnapshotsFiles-modified"
        title={when ? localTime(when, course?.timeZone ?? 'UTC') : ''}
      >
        {when ? age(when, trans) : ''}
      </div>
      <div role="gridcell" className="jp-SnapshotsFiles-size">
        {entry.type === 'file' ? size(entry.size) : ''}
      </div>
    </div>
  );
}

/** The icon that JupyterLab has for such a file. */
export function iconOf(entry: IEntry, registry: DocumentRegistry): LabIcon {
  if (entry.type === 'folder') {
    return folderIcon;
  }
  if (entry.type === 'link') {
    return linkIcon;
  }
  const type = entry.type === 'file' ? registry.getFileTypesForPath(entry.name)[0] : undefined;
  return type?.icon ?? fileIcon;
}

function kindText(entry: IEntry, trans: TranslationBundle): string {
  switch (entry.type) {
    case 'folder':
      return trans.__('Folder');
    case 'link':
      return trans.__('Link: what it led to is not part of the snapshot');
    case 'special':
      return trans.__('Special file');
    default:
      return trans.__('File');
  }
}
