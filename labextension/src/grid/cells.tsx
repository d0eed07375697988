/**
 * The cells of the grid, of which only the rows to be seen are in the page. Headers stay in sight.
 * One cell takes part in the order of the tabulator key; the arrows go from cell to cell.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { CellState, IAssignmentRow } from '../assignmentTokens';
import { zoneDay, zoneTime } from '../zones';
import { move, opensMenu } from './keys';
import type { IPosition } from './keys';
import { shareOf } from './rows';
import type { IGridRow } from './rows';
import { cellLabel, describeCell, modifier, StateIcon, STATES } from './states';

/** Sizes in pixels. */
const ROW = 30;
const HEADER = 82;
const COLUMN = 116;
const NAMES = 200;
/** Rows above and below those to be seen that are drawn, too. */
const OVERSCAN = 6;
/** Height that is taken before the page has told. */
const FALLBACK_HEIGHT = 600;

export interface IColumn {
  id: number;
  /** Null for an assignment that the overview does not know yet. */
  row: IAssignmentRow | null;
  counts: ReadonlyMap<CellState, number>;
}

export interface ICellsProps {
  rows: readonly IGridRow[];
  columns: readonly IColumn[];
  timeZone: string;
  label: string;
  /** Cells in another state than this one are shaded. */
  shade: CellState | null;
  /** Null stands for the headers: of the students, or of the assignments. */
  onMenu: (row: IGridRow | null, column: number | null, x: number, y: number) => void;
  trans: TranslationBundle;
}

/** See the module. */
export function Cells(props: ICellsProps): JSX.Element {
  const { rows, columns, timeZone, label, shade, onMenu, trans } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(false);
  const [view, setView] = useState({ first: 0, height: FALLBACK_HEIGHT });
  const [wanted, setActive] = useState<IPosition>({ row: 1, column: 1 });
  const last: IPosition = { row: rows.length, column: columns.length };
  const active: IPosition = {
    row: Math.min(wanted.row, last.row),
    column: Math.min(wanted.column, last.column)
  };

  const measure = useCallback(() => {
    const node = scroller.current;
    if (node) {
      const first = Math.floor(node.scrollTop / ROW);
      const height = node.clientHeight || FALLBACK_HEIGHT;
      setView(old => (old.first === first && old.height === height ? old : { first, height }));
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
      scroller.current
        ?.querySelector<HTMLElement>('[tabindex="0"]')
        ?.focus({ preventScroll: true });
    }
  });

  const goTo = (to: IPosition) => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    if (to.row > 0) {
      const top = (to.row - 1) * ROW;
      const seen = node.clientHeight - HEADER;
      node.scrollTop = within(node.scrollTop, top, ROW, seen);
    }
    if (to.column > 0) {
      const left = (to.column - 1) * COLUMN;
      node.scrollLeft = within(node.scrollLeft, left, COLUMN, node.clientWidth - NAMES);
    }
    wantsFocus.current = true;
    setActive(to);
    measure();
  };

  const openAt = (at: IPosition, element: Element, x = 0, y = 0) => {
    const box = element.getBoundingClientRect();
    // A menu key gives no place of a mouse.
    const byKey = x === 0 && y === 0;
    onMenu(
      at.row > 0 ? rows[at.row - 1] : null,
      at.column > 0 ? at.column - 1 : null,
      byKey ? box.left + 8 : x,
      byKey ? box.bottom : y
    );
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const found = cellOf(event);
    if (!found) {
      return;
    }
    const page = Math.max(1, Math.floor((view.height - HEADER) / ROW) - 1);
    const to = move(event, found.at, last, page);
    if (to) {
      goTo(to);
    } else if (opensMenu(event)) {
      openAt(found.at, found.element);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const onClick = (event: React.MouseEvent) => {
    const found = cellOf(event);
    if (found) {
      setActive(found.at);
      openAt(found.at, found.element);
    }
  };

  const onContextMenu = (event: React.MouseEvent) => {
    const found = cellOf(event);
    if (found && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      openAt(found.at, found.element, event.clientX, event.clientY);
    }
  };

  const end = Math.min(rows.length, view.first + Math.ceil(view.height / ROW) + OVERSCAN);
  const start = Math.max(0, Math.min(view.first - OVERSCAN, end - 1));
  const drawn = Array.from({ length: end - start }, (_, at) => start + at);
  if (active.row > 0 && (active.row <= start || active.row > end)) {
    // The active row stays in the page, or the focus would be lost by scrolling.
    drawn.push(active.row - 1);
  }
  const width = NAMES + columns.length * COLUMN;

  return (
    <div ref={scroller} className="jp-SnapshotsGrid-scroll" onScroll={measure}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        className="jp-SnapshotsGrid-cells"
        style={{ width, height: HEADER + rows.length * ROW }}
        onKeyDown={onKeyDown}
        onClick={onClick}
        onContextMenu={onContextMenu}
        onFocus={event => {
          const found = cellOf(event);
          if (found) {
            setActive(found.at);
          }
        }}
      >
        <div
          role="row"
          aria-rowindex={1}
          className="jp-SnapshotsGrid-header"
          style={{ height: HEADER, width }}
        >
          <div
            {...placed(0, 0, active.row === 0 && active.column === 0)}
            role="columnheader"
            className="jp-SnapshotsGrid-name"
            style={{ width: NAMES }}
          >
            {trans.__('Student')}
          </div>
          {columns.map((column, at) => (
            <ColumnHeader
              key={column.id}
              column={column}
              timeZone={timeZone}
              trans={trans}
              cell={placed(0, at + 1, active.row === 0 && active.column === at + 1)}
            />
          ))}
        </div>
        {drawn.map(at => (
          <Row
            key={rows[at].student.username}
            row={rows[at]}
            at={at}
            columns={columns}
            active={active.row === at + 1 ? active.column : -1}
            shade={shade}
            timeZone={timeZone}
            trans={trans}
          />
        ))}
      </div>
    </div>
  );
}

/** What every cell has, headers included. */
function placed(row: number, column: number, isActive: boolean) {
  return {
    tabIndex: isActive ? 0 : -1,
    'aria-colindex': column + 1,
    'data-row': row,
    'data-column': column
  };
}

interface IRowProps extends Pick<ICellsProps, 'columns' | 'shade' | 'timeZone' | 'trans'> {
  row: IGridRow;
  /** Its place among the rows that are shown. */
  at: number;
  /** The column that has the focus; negative when another row has it. */
  active: number;
}

/** A student's row; drawn again only when something of it has changed. */
const Row = React.memo((props: IRowProps): JSX.Element => {
  const { row, at, columns, active, shade, timeZone, trans } = props;
  const { student, name, cells } = row;
  return (
    <div
      role="row"
      aria-rowindex={at + 2}
      className="jp-SnapshotsGrid-row"
      style={{ top: HEADER + at * ROW, height: ROW, width: NAMES + columns.length * COLUMN }}
    >
      <div
        {...placed(at + 1, 0, active === 0)}
        role="rowheader"
        aria-haspopup="menu"
        className="jp-SnapshotsGrid-name"
        style={{ width: NAMES }}
        title={`${name} (${student.username})`}
      >
        <span className={student.active ? undefined : 'jp-mod-left'}>{name}</span>
      </div>
      {columns.map((column, index) => {
        const found = cells[index];
        const text = found ? describeCell(found, timeZone, trans) : '';
        return (
          <div
            key={column.id}
            {...placed(at + 1, index + 1, active === index + 1)}
            role="gridcell"
            aria-haspopup="menu"
            aria-label={text}
            title={text}
            className={
              `jp-SnapshotsGrid-cell jp-mod-${modifier(found?.state ?? 'none')}` +
              (shade !== null && found?.state !== shade ? ' jp-mod-shaded' : '')
            }
            style={{ width: COLUMN }}
          >
            {found && <StateIcon state={found.state} />}
            {found?.extended && (
              <span className="jp-SnapshotsGrid-extended" aria-hidden="true">
                +
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
});

Row.displayName = 'Row';

interface IColumnHeaderProps {
  column: IColumn;
  timeZone: string;
  trans: TranslationBundle;
  cell: React.HTMLAttributes<HTMLDivElement>;
}

/** Title, due day, and how many are there. */
function ColumnHeader({ column, timeZone, trans, cell }: IColumnHeaderProps): JSX.Element {
  const { row, counts } = column;
  const title = row?.title ?? trans.__('Assignment %1', column.id);
  const [there, all] = shareOf(counts);
  const share = trans.__('%1 of %2', there, all);
  const due = row?.duedate ? zoneTime(row.duedate, timeZone) : trans.__('no due date');
  const numbers = STATES.filter(state => counts.get(state)).map(state =>
    trans.__('%1 %2', counts.get(state), cellLabel(state, trans))
  );
  return (
    <div
      {...cell}
      role="columnheader"
      aria-haspopup="menu"
      aria-label={trans.__('%1, %2, %3 captured', title, due, share)}
      title={[title, due, ...numbers].join('\n')}
      className="jp-SnapshotsGrid-column"
      style={{ width: COLUMN }}
    >
      <span className="jp-SnapshotsGrid-title">{title}</span>
      <span className="jp-SnapshotsGrid-due">
        {row?.duedate ? zoneDay(row.duedate, timeZone) : due}
      </span>
      <span>{share}</span>
    </div>
  );
}

/** The cell in which something happened, headers included. */
function cellOf(event: React.SyntheticEvent): { at: IPosition; element: HTMLElement } | null {
  const element = (event.target as Element).closest<HTMLElement>('[data-row]');
  const { row, column } = element?.dataset ?? {};
  return element && row && column
    ? { at: { row: Number(row), column: Number(column) }, element }
    : null;
}

/** How far to scroll so that a piece of a length at a place is seen. */
function within(scrolled: number, place: number, length: number, seen: number): number {
  if (place < scrolled) {
    return place;
  }
  return place + length > scrolled + seen ? place + length - seen : scrolled;
}
