/** The dialog that asks what to compare with. */

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { age } from '../format';
import { isolated } from '../panels/files/target';
import type { IPlace, ISnapshot } from '../tokens';
import { previousOf } from './sides';

/** What was chosen. */
export type Choice = { kind: 'snapshot'; name: string } | { kind: 'file' };

/** Options of the dialog. */
export interface IPickOptions {
  place: IPlace;
  /** Of the student, newest first. */
  snapshots: readonly ISnapshot[];
  /** Whether a file of one's own is a choice, too. */
  withFile: boolean;
  trans: TranslationBundle;
}

/** Asks what the place is compared with; null when the dialog was left. */
export async function pick(options: IPickOptions): Promise<Choice | null> {
  const { place, trans, withFile, snapshots } = options;
  const others = snapshots.filter(each => each.name !== place.snapshot);
  if (!others.length && !withFile) {
    await showDialog({
      title: trans.__('Nothing to Compare With'),
      body: trans.__(
        '%1 has no other snapshot yet. There is something to compare as soon as a second one was taken.',
        place.student
      ),
      buttons: [Dialog.okButton()]
    });
    return null;
  }
  const answer = await showDialog<Choice>({
    title: trans.__('Compare %1 with…', isolated(place.path || place.snapshot)),
    body: new PickBody({ ...options, snapshots: others }, previousOf(snapshots, place.snapshot)),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Compare') })],
    focusNodeSelector: 'select, input'
  });
  return answer.button.accept ? answer.value : null;
}

class PickBody extends ReactWidget implements Dialog.IBodyWidget<Choice> {
  constructor(
    private readonly _options: IPickOptions,
    previous: ISnapshot | null
  ) {
    super();
    this.addClass('jp-SnapshotsPick');
    const name = previous?.name ?? _options.snapshots[0]?.name;
    this._choice = name ? { kind: 'snapshot', name } : { kind: 'file' };
  }

  getValue(): Choice {
    return this._choice;
  }

  render(): React.JSX.Element {
    return (
      <Choices
        {...this._options}
        first={this._choice}
        onChange={choice => {
          this._choice = choice;
        }}
      />
    );
  }

  private _choice: Choice;
}

interface IChoicesProps extends IPickOptions {
  first: Choice;
  onChange: (choice: Choice) => void;
}

function Choices(props: IChoicesProps): React.JSX.Element {
  const { place, snapshots, trans, withFile } = props;
  const [choice, setChoice] = React.useState(props.first);
  const [name, setName] = React.useState(
    props.first.kind === 'snapshot' ? props.first.name : (snapshots[0]?.name ?? '')
  );
  const choose = (next: Choice) => {
    setChoice(next);
    props.onChange(next);
  };
  const list = (
    <select
      className="jp-SnapshotsPick-list"
      aria-label={trans.__('Another snapshot of %1', place.student)}
      size={Math.min(Math.max(snapshots.length, 2), 8)}
      value={name}
      disabled={choice.kind !== 'snapshot'}
      onChange={event => {
        setName(event.target.value);
        choose({ kind: 'snapshot', name: event.target.value });
      }}
    >
      {snapshots.map(each => (
        <option key={each.name} value={each.name}>
          {each.endedAt ? trans.__('%1 (%2)', each.name, age(each.endedAt, trans)) : each.name}
        </option>
      ))}
    </select>
  );
  if (!withFile) {
    return list;
  }
  return (
    <fieldset className="jp-SnapshotsPick-kinds">
      <legend className="jp-SnapshotsPick-legend">{trans.__('Compare with')}</legend>
      {snapshots.length > 0 && (
        <>
          <label>
            <input
              type="radio"
              name="jp-SnapshotsPick-kind"
              checked={choice.kind === 'snapshot'}
              onChange={() => choose({ kind: 'snapshot', name })}
            />
            {trans.__('another snapshot of %1', place.student)}
          </label>
          {list}
        </>
      )}
      <label>
        <input
          type="radio"
          name="jp-SnapshotsPick-kind"
          checked={choice.kind === 'file'}
          onChange={() => choose({ kind: 'file' })}
        />
        {trans.__('a file in my files…')}
      </label>
    </fieldset>
  );
}
