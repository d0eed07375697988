/** The chip that tells how good a snapshot is, and messages in place of a list. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IBatchItem, SnapshotState } from '../tokens';
import { Tip } from './tip';

/** States that a chip shows: of a snapshot, of a student without one, of a capture. */
export type ChipState = SnapshotState | 'failed' | 'none' | IBatchItem['state'];

/** The word on the chip. */
export function stateLabel(state: ChipState, trans: TranslationBundle): string {
  switch (state) {
    case 'complete':
      return trans.__('complete');
    case 'incomplete':
      return trans.__('incomplete');
    case 'imported':
      return trans.__('imported');
    case 'failed':
      return trans.__('failed');
    case 'none':
      return trans.__('none');
    case 'queued':
      return trans.__('waiting');
    case 'running':
      return trans.__('running');
    case 'done':
      return trans.__('done');
    case 'cancelled':
      return trans.__('cancelled');
    default:
      return trans.__('unknown');
  }
}

/** What the word means, and what can be done. */
export function explain(
  state: ChipState,
  trans: TranslationBundle,
  problemCount = 0,
  reason?: string | null
): string {
  switch (state) {
    case 'complete':
      return trans.__('Every file of the home is in the snapshot as it was.');
    case 'incomplete':
      return problemCount > 0
        ? trans._n(
            'One file is missing or was changed while it was copied. Details lists it.',
            '%1 files are missing or were changed while they were copied. Details lists them.',
            problemCount
          )
        : trans.__('Something of the home is missing in the snapshot. Details lists it.');
    case 'imported':
      return trans.__(
        'Taken by an older tool and listed later: whether everything was copied is not known.'
      );
    case 'failed':
      return trans.__(
        'The last attempt to take a snapshot failed. %1',
        reason ?? trans.__('Try it again.')
      );
    case 'none':
      return trans.__('There is no snapshot of this student yet.');
    case 'queued':
      return trans.__('The snapshot is waiting for its turn.');
    case 'running':
      return trans.__('The snapshot is being taken.');
    case 'done':
      return trans.__('The snapshot was taken.');
    case 'cancelled':
      return trans.__('Cancelled before the snapshot was taken.');
    default:
      return trans.__(
        'The folder is there, but nothing was written down when it was made: what is missing is not known.'
      );
  }
}

export interface IStateChipProps {
  state: ChipState;
  trans: TranslationBundle;
  problemCount?: number;
  /** Why an attempt failed, in words. */
  reason?: string | null;
  tabbable?: boolean;
  /** Replaces what is usually said of the state. */
  explanation?: string;
}

/** A state as a word, with its explanation on hover and focus. */
export function StateChip(props: IStateChipProps): JSX.Element {
  const { state, trans, problemCount, reason, tabbable, explanation } = props;
  return (
    <Tip
      className={`jp-SnapshotsChip jp-mod-${state}`}
      text={explanation ?? explain(state, trans, problemCount, reason)}
      tabbable={tabbable}
    >
      {stateLabel(state, trans)}
    </Tip>
  );
}

export interface IMessageProps {
  title: string;
  /** What is wrong or what comes next, in a sentence or two. */
  text?: string;
  /** Buttons. */
  actions?: React.ReactNode;
  kind?: 'empty' | 'error' | 'busy';
}

/** What stands in place of a list: nothing there yet, waiting, or an error. */
export function Message({ title, text, actions, kind = 'empty' }: IMessageProps): JSX.Element {
  return (
    <div
      className={`jp-SnapshotsMessage jp-mod-${kind}`}
      role={kind === 'error' ? 'alert' : 'status'}
    >
      <p className="jp-SnapshotsMessage-title">{title}</p>
      {text && <p className="jp-SnapshotsMessage-text">{text}</p>}
      {actions && <div className="jp-SnapshotsMessage-actions">{actions}</div>}
    </div>
  );
}

export interface ITextButtonProps {
  label: string;
  onClick: () => void;
  accent?: boolean;
  disabled?: boolean;
}

/** A button with a word on it, in JupyterLab's look. */
export function TextButton({ label, onClick, accent, disabled }: ITextButtonProps): JSX.Element {
  return (
    <button
      type="button"
      className={`jp-SnapshotsButton jp-mod-styled ${accent ? 'jp-mod-accept' : 'jp-mod-reject'}`}
      onClick={onClick}
      disabled={disabled}
    >
      {label}
    </button>
  );
}
