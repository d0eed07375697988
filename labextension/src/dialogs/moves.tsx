/** Who would move by a change, from when to when, before it is saved. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IMove } from '../assignmentTokens';
import { useModel } from '../panels/hooks';
import { TextButton } from '../panels/state';
import { zoneTime } from '../zones';
import { movedInstant } from './preview';
import type { PreviewModel } from './preview';

/** Rows that are drawn at once; a button shows the rest. */
const ROWS = 100;

export interface IMovesProps {
  preview: PreviewModel;
  timeZone: string;
  /** A student's name as a person says it; without it all rows are of one student. */
  nameOf?: (student: string) => string;
  /** An assignment's title; without it all rows are of one assignment. */
  titleOf?: (assignment: number) => string;
  trans: TranslationBundle;
}

/** See the module. */
export function Moves(props: IMovesProps): JSX.Element | null {
  const { preview, timeZone, nameOf, titleOf, trans } = props;
  useModel(preview);
  const [areAll, setAll] = React.useState(false);
  const list = React.useRef<HTMLDivElement>(null);
  const { found, loading, error } = preview;
  const moves = found?.moves ?? [];
  if (!loading && !error && !found) {
    return null; // Nothing was asked yet.
  }
  const shown = areAll ? moves : moves.slice(0, ROWS);
  const text = loading
    ? trans.__('Looking who moves…')
    : error
      ? trans.__('Who moves can’t be told: %1', error.message)
      : summary(moves, trans) || trans.__('Nobody’s date changes.');
  return (
    <section className="jp-SnapshotsMoves" aria-label={trans.__('Who moves')}>
      <h3 className="jp-SnapshotsField-label">{trans.__('Who moves')}</h3>
      <p role="status" className="jp-SnapshotsMoves-text">
        {text}
      </p>
      {found?.notes.map(note => (
        <p key={note} className="jp-SnapshotsMoves-note">
          {note}
        </p>
      ))}
      {moves.length > 0 && (
        <div
          ref={list}
          className="jp-SnapshotsMoves-scroll"
          tabIndex={0}
          role="region"
          aria-label={trans.__('From when to when')}
        >
          <table>
            <thead>
              <tr>
                {nameOf && <th scope="col">{trans.__('Student')}</th>}
                {titleOf && <th scope="col">{trans.__('Assignment')}</th>}
                <th scope="col">{trans.__('Before')}</th>
                <th scope="col">{trans.__('After')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(move => (
                <tr key={`${move.assignment} ${move.student}`} title={move.text}>
                  {nameOf && <td>{nameOf(move.student)}</td>}
                  {titleOf && <td>{titleOf(move.assignment)}</td>}
                  <td>{side(move, 'before', timeZone, trans)}</td>
                  <td>
                    {side(move, 'after', timeZone, trans)}
                    {effectText(move, trans) && (
                      <div className="jp-SnapshotsMoves-effect">{effectText(move, trans)}</div>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {shown.length < moves.length && (
            <TextButton
              label={trans.__('Show all %1', moves.length)}
              onClick={() => {
                // The button goes: the focus must not be lost with it.
                list.current?.focus();
                setAll(true);
              }}
            />
          )}
        </div>
      )}
    </section>
  );
}

/** How many move, and how many are captured at once; empty for nobody. */
export function summary(moves: readonly IMove[], trans: TranslationBundle): string {
  const students = new Set(moves.map(each => each.student)).size;
  if (!students) {
    return '';
  }
  const count = (effect: IMove['effect']) => moves.filter(each => each.effect === effect).length;
  const [now, again] = [count('captured_now'), count('captured_again')];
  return [
    trans._n('%1 student gets another date.', '%1 students get another date.', students),
    now &&
      trans._n('%1 is captured as soon as you save.', '%1 are captured as soon as you save.', now),
    again &&
      trans._n(
        '%1 was captured already: that stays, and is done once more at the new date.',
        '%1 were captured already: that stays, and is done once more at the new date.',
        again
      )
  ]
    .filter(Boolean)
    .join(' ');
}

function side(
  move: IMove,
  which: 'before' | 'after',
  timeZone: string,
  trans: TranslationBundle
): string {
  const key = movedInstant(move) ?? 'due';
  const at = zoneTime(move[which][key], timeZone);
  if (!at) {
    return key === 'due' ? trans.__('no due date') : trans.__('no date');
  }
  return key === 'closes' ? trans.__('late work until %1', at) : at;
}

function effectText(move: IMove, trans: TranslationBundle): string {
  switch (move.effect) {
    case 'captured_now':
      return trans.__('captured as soon as you save');
    case 'captured_again':
      return trans.__('captured once more');
    default:
      return '';
  }
}
