/**
 * A tree of rows of one height, of which only those to be seen are in the page. One row takes part
 * in the order of the tabulator key; the arrows go from row to row.
 */

import React, { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Rows above and below those to be seen that are drawn, too. */
const OVERSCAN = 4;
/** Height of a row in times of the font's size. */
const ROW_EM = 3.25;
const FALLBACK_FONT = 13;
/** Height that is taken before the page has told. */
const FALLBACK_HEIGHT = 400;

export interface ITreeRow {
  key: string;
  level: 1 | 2;
  /** What is read aloud for the row; asked only when it is drawn. */
  label: () => string;
  /** Whether its rows are shown; undefined when it can have none. */
  expanded?: boolean;
  setSize: number;
  positionInSet: number;
  className?: string;
  /** Draws the row; controls in it may take part in the tabulator's order when it is active. */
  render: (active: boolean) => React.ReactNode;
}

export interface ITreeProps {
  rows: ITreeRow[];
  label: string;
  onToggle?: (key: string, expand: boolean) => void;
  /** Enter, space or a click on a row that can not be expanded. */
  onActivate?: (key: string) => void;
  onMenu?: (key: string, x: number, y: number) => void;
  /** Files that were dropped on a row. */
  onDropFiles?: (key: string, dropped: DataTransfer) => void;
}

/** See the module. */
export function Tree(props: ITreeProps): JSX.Element {
  const { rows, label, onToggle, onActivate, onMenu, onDropFiles } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ first: 0, height: FALLBACK_HEIGHT });
  const [rowHeight, setRowHeight] = useState(ROW_EM * FALLBACK_FONT);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const [dropKey, setDropKey] = useState<string | null>(null);
  const wantsFocus = useRef(false);

  const found = activeKey === null ? -1 : rows.findIndex(row => row.key === activeKey);
  const active = found < 0 ? 0 : found;

  const measure = useCallback(() => {
    const node = scroller.current;
    if (node) {
      const font = parseFloat(getComputedStyle(node).fontSize) || FALLBACK_FONT;
      const height = Math.round(font * ROW_EM);
      setRowHeight(height);
      const first = Math.floor(node.scrollTop / height);
      const seen = node.clientHeight || FALLBACK_HEIGHT;
      setView(old => (old.first === first && old.height === seen ? old : { first, height: seen }));
    }
  }, []);

  useEffect(() => {
    measure();
    if (typeof ResizeObserver === 'undefined' || !scroller.current) {
      return;
    }
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [measure]);

  useLayoutEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false;
      scroller.current?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus({
        preventScroll: true
      });
    }
  });

  const goTo = (index: number) => {
    const target = Math.max(0, Math.min(rows.length - 1, index));
    const node = scroller.current;
    if (!node || !rows.length) {
      return;
    }
    const top = target * rowHeight;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + rowHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + rowHeight - node.clientHeight;
    }
    wantsFocus.current = true;
    setActiveKey(rows[target].key);
    measure();
  };

  const activate = (row: ITreeRow) => {
    if (row.expanded !== undefined) {
      onToggle?.(row.key, !row.expanded);
    } else {
      onActivate?.(row.key);
    }
  };

  const onKeyDown = (event: React.KeyboardEvent, index: number) => {
    const row = rows[index];
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const onRow = event.target === event.currentTarget;
    switch (event.key) {
      case 'ArrowDown':
        goTo(index + 1);
        break;
      case 'ArrowUp':
        goTo(index - 1);
        break;
      case 'PageDown':
        goTo(index + page);
        break;
      case 'PageUp':
        goTo(index - page);
        break;
      case 'Home':
        goTo(0);
        break;
      case 'End':
        goTo(rows.length - 1);
        break;
      case 'ArrowRight':
        if (row.expanded === false) {
          onToggle?.(row.key, true);
        } else if (row.expanded && rows[index + 1]?.level === 2) {
          goTo(index + 1);
        }
        break;
      case 'ArrowLeft':
        if (row.expanded) {
          onToggle?.(row.key, false);
        } else if (row.level === 2) {
          goTo(
            rows
              .slice(0, index)
              .map(each => each.level)
              .lastIndexOf(1)
          );
        }
        break;
      case 'Enter':
      case ' ':
        if (!onRow) {
          return; // A control of the row has it.
        }
        activate(row);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const last = Math.min(rows.length, view.first + Math.ceil(view.height / rowHeight) + OVERSCAN);
  const start = Math.max(0, Math.min(view.first - OVERSCAN, last - 1));
  const drawn = rows.slice(start, last).map((row, offset) => ({ row, index: start + offset }));
  if (rows.length && (active < start || active >= last)) {
    // The active row stays in the page, or the focus would be lost by scrolling.
    drawn.push({ row: rows[active], index: active });
  }

  return (
    <div ref={scroller} className="jp-SnapshotsTree" onScroll={measure}>
      <div
        role="tree"
        aria-label={label}
        className="jp-SnapshotsTree-rows"
        style={{ height: rows.length * rowHeight }}
      >
        {drawn.map(({ row, index }) => (
          <div
            key={row.key}
            role="treeitem"
            aria-label={row.label()}
            aria-level={row.level}
            aria-expanded={row.expanded}
            aria-setsize={row.setSize}
            aria-posinset={row.positionInSet}
            tabIndex={index === active ? 0 : -1}
            data-key={row.key}
            className={
              `jp-SnapshotsTree-row jp-mod-level${row.level} ${row.className ?? ''}` +
              (dropKey === row.key ? ' jp-mod-dropTarget' : '')
            }
            style={{ top: index * rowHeight, height: rowHeight }}
            onClick={event => {
              setActiveKey(row.key);
              if (!(event.target as Element).closest('button')) {
                activate(row);
              }
            }}
            onFocus={() => setActiveKey(row.key)}
            onKeyDown={event => onKeyDown(event, index)}
            onContextMenu={event => {
              if (!onMenu || event.shiftKey) {
                return;
              }
              event.preventDefault();
              event.stopPropagation();
              const box = event.currentTarget.getBoundingClientRect();
              // A menu key gives no place of a mouse.
              const byKey = event.clientX === 0 && event.clientY === 0;
              onMenu(
                row.key,
                byKey ? box.left + rowHeight : event.clientX,
                byKey ? box.bottom : event.clientY
              );
            }}
            onDragOver={event => {
              if (onDropFiles && event.dataTransfer.types.includes('Files')) {
                event.preventDefault();
                event.stopPropagation();
                event.dataTransfer.dropEffect = 'copy';
                setDropKey(row.key);
              }
            }}
            onDragLeave={() => setDropKey(null)}
            onDrop={event => {
              setDropKey(null);
              if (onDropFiles && event.dataTransfer.types.includes('Files')) {
                event.preventDefault();
                event.stopPropagation();
                onDropFiles(row.key, event.dataTransfer);
              }
            }}
          >
            {row.render(index === active)}
          </div>
        ))}
      </div>
    </div>
  );
}

export interface IRowButtonProps {
  label: string;
  icon: JSX.Element;
  /** Whether the row is active; otherwise the tabulator key passes by. */
  active: boolean;
  onClick: (event: React.MouseEvent<HTMLButtonElement>) => void;
  hasMenu?: boolean;
}

/** A small button at the end of a row. */
export function RowButton({ label, icon, active, onClick, hasMenu }: IRowButtonProps): JSX.Element {
  return (
    <button
      type="button"
      className="jp-SnapshotsTree-button"
      title={label}
      aria-label={label}
      aria-haspopup={hasMenu ? 'menu' : undefined}
      tabIndex={active ? 0 : -1}
      onClick={event => {
        event.stopPropagation();
        onClick(event);
      }}
    >
      {icon}
    </button>
  );
}
