/** The dialog before what was captured for an assignment is downloaded. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useId, useState } from 'react';
import type { AssignmentsModel } from '../assignments';
import type { IAssignmentRow } from '../assignmentTokens';
import { slugify } from '../format';
import { download } from '../links';
import type { Layout, Links } from '../links';
import { countsText } from '../panels/assignments/rows';

type Choice = Required<Pick<Links.IAssignmentArchive, 'layout' | 'late'>>;

interface IFormProps {
  row: IAssignmentRow;
  students: number;
  initial: Choice;
  trans: TranslationBundle;
  onChange: (value: Choice) => void;
}

/** The form; calls `onChange` with each change. */
export function CapturedForm(props: IFormProps): JSX.Element {
  const { row, students, initial, trans, onChange } = props;
  const [value, setValue] = useState(initial);
  const id = useId();
  const change = (next: Choice) => {
    setValue(next);
    onChange(next);
  };
  const layouts: [Layout, string, string][] = [
    ['plain', trans.__('Plain:'), trans.__('ada/…')],
    ['nbgrader', trans.__('For nbgrader:'), trans.__('submitted/ada/%1/…', slugify(row.title))]
  ];
  return (
    <div className="jp-SnapshotsForm">
      <p>{countsText(row, students, trans)}</p>
      <fieldset className="jp-SnapshotsForm-group">
        <legend>{trans.__('Folders in the zip')}</legend>
        {layouts.map(([layout, label, example]) => (
          <label key={layout} className="jp-SnapshotsForm-choice">
            <input
              type="radio"
              name={`${id}-layout`}
              checked={value.layout === layout}
              onChange={() => change({ ...value, layout })}
            />
            <span className="jp-SnapshotsTake-option">{label}</span>
            <code className="jp-SnapshotsTree-text">{example}</code>
          </label>
        ))}
      </fieldset>
      <label className="jp-SnapshotsForm-choice">
        <input
          type="checkbox"
          checked={value.late}
          onChange={event => change({ ...value, late: event.target.checked })}
        />
        {trans.__('With late work, where there is some')}
      </label>
    </div>
  );
}

/** Asks how, then leaves it to the browser to download it. */
export async function downloadCaptured(
  assignments: AssignmentsModel,
  row: IAssignmentRow,
  trans: TranslationBundle
): Promise<void> {
  const { snapshots, course } = assignments;
  let value: Choice = { layout: snapshots.settings.defaultLayout, late: false };
  if (row.counts.captured + row.counts.late === 0) {
    await showDialog({
      title: trans.__('Nothing to download yet'),
      body: trans.__('Nothing was captured for %1 so far.', row.title),
      buttons: [Dialog.okButton({ label: trans.__('OK') })]
    });
    return;
  }
  const result = await showDialog({
    title: trans.__('Download All of %1', row.title),
    body: ReactWidget.create(
      <CapturedForm
        row={row}
        students={assignments.overview?.students ?? 0}
        initial={value}
        trans={trans}
        onChange={next => {
          value = next;
        }}
      />
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Download') })
    ],
    focusNodeSelector: 'input:checked'
  });
  if (result.button.accept) {
    download(snapshots.links.assignmentArchiveUrl(course, row.id, value));
  }
}
