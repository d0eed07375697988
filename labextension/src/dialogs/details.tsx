/** The dialog with all that is known of a snapshot, and what is missing in it. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { localTime, size } from '../format';
import type { SnapshotsModel } from '../model';
import { isolated } from '../panels/files/target';
import { reasonText } from '../panels/reasons';
import { explain, stateLabel } from '../panels/state';
import type { IPlace, ISnapshotDetail } from '../tokens';

/** Problems that are listed; of more only the number is told. */
const MOST_PROBLEMS = 500;

interface IDetailsProps {
  detail: ISnapshotDetail;
  timeZone: string;
  trans: TranslationBundle;
}

/** See the module. */
export function Details({ detail, timeZone, trans }: IDetailsProps): JSX.Element {
  const { problems } = detail;
  const facts: [string, string][] = [
    [trans.__('State'), stateLabel(detail.state, trans)],
    [trans.__('Begun'), localTime(detail.beganAt, timeZone)],
    [trans.__('Ended'), localTime(detail.endedAt, timeZone)],
    [trans.__('Files'), detail.files === null ? '' : String(detail.files)],
    [trans.__('Size'), size(detail.bytes)],
    [trans.__('Space it takes'), size(detail.copiedBytes)],
    [trans.__('Taken by'), detail.createdBy ?? ''],
    [
      trans.__('Hidden files'),
      detail.includeHidden === null
        ? ''
        : detail.includeHidden
          ? trans.__('taken, too')
          : trans.__('left out')
    ]
  ];
  return (
    <div className="jp-SnapshotsDetails">
      <p>{explain(detail.state, trans, detail.problemCount)}</p>
      <dl>
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </React.Fragment>
          ))}
      </dl>
      {problems.length > 0 && (
        <div
          className="jp-SnapshotsDetails-problems"
          tabIndex={0}
          role="region"
          aria-label={trans.__('What is missing')}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">{trans.__('File')}</th>
                <th scope="col">{trans.__('What happened')}</th>
              </tr>
            </thead>
            <tbody>
              {problems.slice(0, MOST_PROBLEMS).map(problem => (
                <tr key={`${problem.path}\n${problem.reason}`}>
                  <td>{isolated(problem.path)}</td>
                  <td>{reasonText(problem.reason, trans)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {problems.length > MOST_PROBLEMS && (
            <p>{trans.__('… and %1 more.', problems.length - MOST_PROBLEMS)}</p>
          )}
        </div>
      )}
    </div>
  );
}

/** Asks for a snapshot's details and shows them. */
export async function showDetails(
  model: SnapshotsModel,
  place: IPlace,
  trans: TranslationBundle
): Promise<void> {
  const detail = await model.api.snapshot(place);
  const timeZone = model.course?.timeZone ?? 'UTC';
  await showDialog({
    title: `${place.student} · ${place.snapshot}`,
    body: ReactWidget.create(<Details detail={detail} timeZone={timeZone} trans={trans} />),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
