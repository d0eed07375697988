/** Captures as they run: how far they are, what failed, and what can be done about it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';
import { count, progress } from './batches';
import type { BatchesModel, IFollowed } from './batches';
import { byName } from './format';
import { useModel } from './panels/hooks';
import { StateChip, stateLabel, TextButton } from './panels/state';
import { Tree } from './panels/tree';
import type { ITreeRow } from './panels/tree';
import type { IBatch, IBatchItem } from './tokens';

/** What one wants to see first. */
const ORDER: IBatchItem['state'][] = ['failed', 'running', 'queued', 'cancelled', 'done'];

/** Where a batch stands, in one sentence. */
export function batchSummary(batch: IBatch, trans: TranslationBundle): string {
  const done = count(batch, 'done');
  const all = count(batch);
  const failed = count(batch, 'failed');
  const cancelled = count(batch, 'cancelled');
  const parts = [trans._n('%2 of %1 student', '%2 of %1 students', all, done)];
  if (failed) {
    parts.push(trans._n('%1 failed', '%1 failed', failed));
  }
  if (cancelled) {
    parts.push(trans._n('%1 cancelled', '%1 cancelled', cancelled));
  }
  const incomplete = batch.items.filter(item => item.outcome === 'incomplete').length;
  if (incomplete) {
    parts.push(trans._n('%1 incomplete', '%1 incomplete', incomplete));
  }
  return parts.join(', ');
}

export interface IBatchesProps {
  batches: BatchesModel;
  /** Batches of this course are shown. */
  course: string;
  trans: TranslationBundle;
  /** A student's name as a person says it. */
  nameOf: (student: string) => string;
  /** Whether captures can be cancelled and tried again. */
  mayChange?: boolean;
}

/** The batches of a course that run or were not dismissed yet. */
export function Batches(props: IBatchesProps): JSX.Element | null {
  const { batches, course, trans, nameOf, mayChange = true } = props;
  useModel(batches);
  const shown = batches.of(course);
  return shown.length ? (
    <div role="region" aria-label={trans.__('Running snapshots')}>
      {shown.map(entry => (
        <BatchCard
          key={entry.batch.id}
          entry={entry}
          batches={batches}
          trans={trans}
          nameOf={nameOf}
          mayChange={mayChange}
        />
      ))}
    </div>
  ) : null;
}

interface ICardProps {
  entry: IFollowed;
  batches: BatchesModel;
  trans: TranslationBundle;
  nameOf: (student: string) => string;
  mayChange: boolean;
}

function BatchCard({ entry, batches, trans, nameOf, mayChange }: ICardProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const { batch, course, asked, error } = entry;
  const running = batch.state === 'running';
  const percent = Math.round(progress(batch) * 100);
  const again = count(batch, 'failed', 'cancelled');
  return (
    <section className={`jp-SnapshotsBatch jp-mod-${batch.state}`} aria-label={batch.name}>
      <div className="jp-SnapshotsTree-line">
        <span className="jp-SnapshotsTree-title" title={batch.name}>
          {batch.name}
        </span>
        <StateChip state={batch.state} trans={trans} explanation={batchExplanation(batch, trans)} />
      </div>
      <div
        className="jp-SnapshotsBatch-bar"
        role="progressbar"
        aria-label={trans.__('Progress of %1', batch.name)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <div className="jp-SnapshotsBatch-text">{batchSummary(batch, trans)}</div>
      <span className="jp-SnapshotsHidden" role="status">
        {announcement(batch, trans)}
      </span>
      {error && (
        <div className="jp-SnapshotsBatch-error" role="alert">
          {error.message}
        </div>
      )}
      <div className="jp-SnapshotsBatch-actions">
        <button
          type="button"
          className="jp-SnapshotsLink"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? trans.__('Hide students') : trans.__('Show students')}
        </button>
        {running && mayChange && (
          <TextButton
            label={asked === 'cancel' ? trans.__('Cancelling…') : trans.__('Cancel')}
            disabled={asked !== null}
            onClick={() => void batches.cancel(course, batch.id)}
          />
        )}
        {!running && mayChange && again > 0 && (
          <TextButton
            accent
            label={trans._n('Retry %1', 'Retry %1', again)}
            disabled={asked !== null}
            onClick={() => void batches.retry(course, batch.id)}
          />
        )}
        {!running && (
          <TextButton label={trans.__('Close')} onClick={() => batches.dismiss(course, batch.id)} />
        )}
      </div>
      {open && (
        <div className="jp-SnapshotsBatch-items">
          <Tree rows={itemRows(batch.items, nameOf, trans)} label={trans.__('Students')} />
        </div>
      )}
    </section>
  );
}

/** What is read aloud unasked: what failed, and the end. */
function announcement(batch: IBatch, trans: TranslationBundle): string {
  if (batch.state !== 'running') {
    return batchSummary(batch, trans);
  }
  const failed = count(batch, 'failed');
  return failed ? trans._n('%1 failed', '%1 failed', failed) : '';
}

function batchExplanation(batch: IBatch, trans: TranslationBundle): string {
  switch (batch.state) {
    case 'running':
      return trans.__('Snapshots are being taken. This page may be closed; they go on.');
    case 'done':
      return trans.__('All snapshots were taken.');
    case 'cancelled':
      return trans.__('Cancelled; what was taken before stays.');
    default:
      return trans.__('Some snapshots could not be taken. Show students tells why.');
  }
}

function itemRows(
  items: readonly IBatchItem[],
  nameOf: (student: string) => string,
  trans: TranslationBundle
): ITreeRow[] {
  const named = items.map(item => ({ item, name: nameOf(item.student) }));
  named.sort(
    (a, b) => ORDER.indexOf(a.item.state) - ORDER.indexOf(b.item.state) || byName(a.name, b.name)
  );
  return named.map(({ item, name }, index) => {
    const state =
      item.state === 'done' && item.outcome === 'incomplete' ? 'incomplete' : item.state;
    return {
      key: item.student,
      level: 1,
      label: () => [name, stateLabel(state, trans), item.error].filter(Boolean).join(', '),
      setSize: named.length,
      positionInSet: index + 1,
      render: active => (
        <div className="jp-SnapshotsTree-main">
          <div className="jp-SnapshotsTree-line">
            <span className="jp-SnapshotsTree-title" title={`${name} (${item.student})`}>
              {name}
            </span>
            <StateChip
              state={state}
              problemCount={item.problemCount}
              reason={item.error}
              trans={trans}
              tabbable={active}
            />
          </div>
          {item.error && (
            <div className="jp-SnapshotsTree-line jp-mod-quiet">
              <span className="jp-SnapshotsTree-text" title={item.error}>
                {item.error}
              </span>
            </div>
          )}
        </div>
      )
    };
  });
}
