import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import type { CellState } from '../assignmentTokens';
import { cellMenu } from '../grid/body';
import { Cells } from '../grid/cells';
import { move } from '../grid/keys';
import { columnCounts, filtered, rowsOf, shareOf } from '../grid/rows';
import { cellLabel, describeCell, explainCell, STATES } from '../grid/states';
import { CommandIDs } from '../tokens';
import { assignment, cell, grid } from './assignmentSamples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const ZONE = 'Europe/Berlin';

describe('keys', () => {
  const last = { row: 500, column: 20 };
  const from = { row: 10, column: 5 };
  test.each([
    ['ArrowUp', false, [9, 5]],
    ['ArrowDown', false, [11, 5]],
    ['ArrowLeft', false, [10, 4]],
    ['ArrowRight', false, [10, 6]],
    ['Home', false, [10, 0]],
    ['End', false, [10, 20]],
    ['Home', true, [0, 0]],
    ['End', true, [500, 20]],
    ['PageDown', false, [30, 5]],
    ['PageUp', false, [0, 5]],
    ['ArrowDown', true, [500, 5]]
  ])('%s (ctrl: %s) leads to %j', (key, ctrlKey, [row, column]) => {
    expect(move({ key, ctrlKey }, from, last, 20)).toEqual({ row, column });
  });

  test('stop at the edges, and others lead nowhere', () => {
    expect(move({ key: 'ArrowUp' }, { row: 0, column: 0 }, last, 20)).toEqual({
      row: 0,
      column: 0
    });
    expect(move({ key: 'ArrowRight' }, last, last, 20)).toEqual(last);
    expect(move({ key: 'x' }, from, last, 20)).toBeNull();
  });
});

describe('rows', () => {
  const found = grid(
    [1, 2],
    [cell('captured'), cell('open')],
    [cell('missing'), cell('open')],
    [cell('excused'), cell('none')]
  );
  found.students[0] = { ...found.students[0], firstName: 'Zoë', lastName: 'Abel' };
  const rows = rowsOf(found);

  test('are by last name, each with the own cells', () => {
    expect(rows.map(each => each.name)).toEqual(['Zoë Abel', 's1', 's2']);
    expect(rows[0].cells[0].state).toBe('captured');
  });

  test('are filtered by name and by state', () => {
    const names = (query: string, state: CellState | null) =>
      filtered(rows, { query, state }).map(each => each.student.username);
    expect(names('', null)).toEqual(['s0', 's1', 's2']);
    expect(names('abel', null)).toEqual(['s0']);
    expect(names('', 'missing')).toEqual(['s1']);
    expect(names('s2', 'missing')).toEqual([]);
  });

  test('are counted by assignment; who is excused is not waited for', () => {
    const counts = columnCounts(rows, 0);
    expect(Object.fromEntries(counts)).toEqual({ captured: 1, missing: 1, excused: 1 });
    expect(shareOf(counts)).toEqual([1, 2]);
    expect(shareOf(columnCounts(rows, 1))).toEqual([0, 2]);
  });
});

test('every state has a word and a meaning of its own', () => {
  expect(new Set(STATES.map(each => cellLabel(each, trans))).size).toBe(STATES.length);
  expect(new Set(STATES.map(each => explainCell(each, trans))).size).toBe(STATES.length);
  const at = '2026-12-01T22:59:59Z';
  expect(describeCell(cell('changed', { changed: 2, extended: true, at }), ZONE, trans)).toBe(
    'changed after, 2 files changed after, extended, Tue 1 Dec 2026, 23:59 CET'
  );
});

test('the menu of a cell has the snapshot only where there is one', () => {
  const ids = (snapshot: string | null) =>
    cellMenu('math', 'ada', 1, snapshot).map(each => each?.command);
  expect(ids(null)).toEqual([
    CommandIDs.grantExtension,
    CommandIDs.accommodate,
    CommandIDs.whyDeadline
  ]);
  expect(ids('ps_2026-12-01')[0]).toBe(CommandIDs.openSnapshot);
  const left = (snapshot: string | null) => cellMenu('math', 'ada', 1, snapshot, false);
  expect(left(null)).toEqual([]);
  expect(left('ps_2026-12-01').map(each => each?.command)).toEqual([
    CommandIDs.openSnapshot,
    CommandIDs.downloadSnapshot,
    CommandIDs.showDetails
  ]);
});

describe('cells', () => {
  const many = grid(
    Array.from({ length: 20 }, (_, at) => at),
    ...Array.from({ length: 500 }, () => Array.from({ length: 20 }, () => cell('open')))
  );
  const rows = rowsOf(many);
  const columns = many.assignments.map((id, at) => ({
    id,
    row: id ? assignment(id) : null,
    counts: columnCounts(rows, at)
  }));
  const onMenu = jest.fn();

  beforeEach(() => {
    onMenu.mockClear();
    render(
      <Cells
        rows={rows}
        columns={columns}
        timeZone={ZONE}
        label="All"
        shade={null}
        onMenu={onMenu}
        trans={trans}
      />
    );
  });

  test('of 500 rows only some are in the page, and all are counted', () => {
    const shown = screen.getByRole('grid', { name: 'All' });
    expect(shown).toHaveAttribute('aria-rowcount', '501');
    expect(shown).toHaveAttribute('aria-colcount', '21');
    expect(within(shown).getAllByRole('row').length).toBeLessThan(40);
    expect(
      screen.getByRole('columnheader', {
        name: 'Problem set 3, Tue 1 Dec 2026, 23:59 CET, 0 of 500 captured'
      })
    ).toBeInTheDocument();
    expect(shown.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
  });

  test('are walked through, and Enter opens the menu of where one is', async () => {
    const user = userEvent.setup();
    await user.tab();
    expect(document.activeElement).toHaveAttribute('data-row', '1');
    await user.keyboard('{ArrowRight}{ArrowDown}{Enter}');
    expect(onMenu).toHaveBeenLastCalledWith(rows[1], 1, expect.anything(), expect.anything());
    await user.keyboard('{Home}{Enter}');
    expect(onMenu).toHaveBeenLastCalledWith(rows[1], null, expect.anything(), expect.anything());
    await user.keyboard('{Control>}{End}{/Control}');
    expect(document.activeElement).toHaveAttribute('data-row', '500');
    expect(document.activeElement).toHaveAttribute('data-column', '20');
    await user.keyboard('{Control>}{Home}{/Control}{ArrowRight}{Enter}');
    expect(onMenu).toHaveBeenLastCalledWith(null, 0, expect.anything(), expect.anything());
  });
});
