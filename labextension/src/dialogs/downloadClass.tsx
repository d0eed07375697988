/** The dialog before a zip of the class is downloaded. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';
import { size, withoutDate } from '../format';
import { download } from '../links';
import type { Layout } from '../links';
import type { SnapshotsModel } from '../model';
import type { INames } from '../tokens';

/** What is downloaded, and how it is laid out. */
export interface IClassDownload {
  name: string;
  layout: Layout;
  /** Folder of the assignment in the nbgrader layout. */
  assignment: string;
}

interface IFormProps {
  names: INames;
  initial: IClassDownload;
  trans: TranslationBundle;
  onChange: (value: IClassDownload) => void;
}

/** The form; calls `onChange` with each change. */
export function DownloadForm({ names, initial, trans, onChange }: IFormProps): JSX.Element {
  const [value, setValue] = useState(initial);
  const change = (next: IClassDownload) => {
    setValue(next);
    onChange(next);
  };
  const row = names.snapshots.find(each => each.name === value.name);
  const folder = value.assignment || withoutDate(value.name);
  return (
    <div className="jp-SnapshotsTake">
      <label className="jp-SnapshotsTake-field">
        {trans.__('Snapshot')}
        <HTMLSelect
          className="jp-SnapshotsTake-name"
          value={value.name}
          options={names.snapshots.map(each => each.name)}
          onChange={event => change({ ...value, name: event.target.value })}
        />
      </label>
      {row && (
        <p className="jp-SnapshotsTake-preview" role="status">
          {trans.__(
            '%1 of %2 students, %3 before it is packed.',
            row.taken,
            Math.max(names.students, row.taken),
            size(row.bytes) || trans.__('of unknown size')
          )}
        </p>
      )}
      <fieldset className="jp-SnapshotsTake-who">
        <legend>{trans.__('Folders in the zip')}</legend>
        {(['plain', 'nbgrader'] as const).map(layout => (
          <label key={layout}>
            <input
              type="radio"
              name="jp-SnapshotsDownload-layout"
              checked={value.layout === layout}
              onChange={() => change({ ...value, layout })}
            />
            <span className="jp-SnapshotsTake-option">
              {layout === 'plain' ? trans.__('Plain:') : trans.__('For nbgrader:')}
            </span>
            <code className="jp-SnapshotsTree-text">
              {layout === 'plain' ? trans.__('ada/…') : trans.__('submitted/ada/%1/…', folder)}
            </code>
          </label>
        ))}
        {value.layout === 'nbgrader' && (
          <label className="jp-SnapshotsTake-field">
            {trans.__('Assignment')}
            <input
              className="jp-mod-styled"
              value={value.assignment}
              placeholder={withoutDate(value.name)}
              pattern="[^\/]+"
              title={trans.__('The name of a folder, without a slash')}
              onChange={event => change({ ...value, assignment: event.target.value })}
            />
          </label>
        )}
      </fieldset>
    </div>
  );
}

class DownloadBody extends ReactWidget implements Dialog.IBodyWidget<IClassDownload> {
  constructor(
    private readonly _names: INames,
    private _value: IClassDownload,
    private readonly _trans: TranslationBundle
  ) {
    super();
  }

  getValue(): IClassDownload {
    return this._value;
  }

  protected render(): JSX.Element {
    return (
      <DownloadForm
        names={this._names}
        initial={this._value}
        trans={this._trans}
        onChange={value => {
          this._value = value;
        }}
      />
    );
  }
}

/** Asks which zip of the class, then leaves it to the browser to download it. */
export async function downloadClass(
  model: SnapshotsModel,
  trans: TranslationBundle,
  name?: string
): Promise<void> {
  const { course } = model;
  if (!course) {
    return;
  }
  const names = model.names ?? (await model.api.names(course.code));
  if (!names.snapshots.length) {
    await showDialog({
      title: trans.__('Nothing to download yet'),
      body: trans.__('Take a snapshot of the class first.'),
      buttons: [Dialog.okButton({ label: trans.__('OK') })]
    });
    return;
  }
  const value: IClassDownload = {
    name: names.snapshots.find(each => each.name === name)?.name ?? names.snapshots[0].name,
    layout: model.settings.defaultLayout,
    assignment: ''
  };
  const result = await showDialog({
    title: trans.__('Download Snapshot of Class'),
    body: new DownloadBody(names, value, trans),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Download') })
    ]
  });
  if (result.button.accept && result.value) {
    download(model.links.classArchiveUrl(course.code, result.value.name, result.value));
  }
}
