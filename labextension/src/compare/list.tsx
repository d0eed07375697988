/** What differs between two snapshots, as a list. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { size } from '../format';
import type { SnapshotsModel } from '../model';
import { Message, TextButton } from '../panels/state';
import type { IComparison, IDifference, IPlace } from '../tokens';
import { ALL, filterDifferences, total } from './sides';
import type { IFilter } from './sides';

/** How many differences are asked for; all are counted. */
const LISTED = 1000;

/** The list of differences; a file opens the comparison of its contents. */
export class ComparisonList extends ReactWidget {
  constructor(private readonly _options: ComparisonList.IOptions) {
    super();
    this.addClass('jp-SnapshotsComparison');
    this.node.tabIndex = -1;
  }

  render(): React.JSX.Element {
    return <Differences {...this._options} />;
  }
}

/** Options of the list. */
export namespace ComparisonList {
  export interface IOptions {
    model: SnapshotsModel;
    trans: TranslationBundle;
    /** The newer snapshot; its path is of a folder that is looked into, or empty. */
    place: IPlace;
    /** Name of the older snapshot. */
    base: string;
    open: (difference: IDifference) => void;
  }
}

function Differences(props: ComparisonList.IOptions): React.JSX.Element {
  const { model, place, base, trans, open } = props;
  const [found, setFound] = React.useState<IComparison | Error | null>(null);
  const [turn, setTurn] = React.useState(0);
  const [filter, setFilter] = React.useState<IFilter>(ALL);
  React.useEffect(() => {
    let isGone = false;
    const take = (result: IComparison | Error) => {
      if (!isGone) {
        setFound(result);
      }
    };
    model.api.compareSnapshots(place, base, LISTED).then(take, take);
    return () => {
      isGone = true;
    };
  }, [model, place, base, turn]);

  const title = (
    <h2 className="jp-SnapshotsComparison-title">
      {trans.__('%1: from %2 to %3', place.student, base, place.snapshot)}
    </h2>
  );
  if (!found) {
    return (
      <>
        {title}
        <Message kind="busy" title={trans.__('Comparing…')} />
      </>
    );
  }
  if (found instanceof Error) {
    return (
      <>
        {title}
        <Message
          kind="error"
          title={trans.__('The snapshots can’t be compared')}
          text={found.message}
          actions={
            <TextButton
              label={trans.__('Try Again')}
              onClick={() => {
                setFound(null);
                setTurn(turn + 1);
              }}
            />
          }
        />
      </>
    );
  }
  if (!total(found)) {
    return (
      <>
        {title}
        <Message
          title={trans.__('Nothing changed')}
          text={trans.__('Both snapshots hold the same files with the same contents.')}
        />
      </>
    );
  }
  const shown = filterDifferences(found.entries, filter);
  return (
    <>
      {title}
      <Filter {...props} found={found} filter={filter} setFilter={setFilter} />
      <p className="jp-SnapshotsComparison-note" role="status">
        {trans._n('%1 file shown', '%1 files shown', shown.length)}
        {found.truncated &&
          ` ${trans.__(
            '(of the first %1 of %2; compare single files in the list of files)',
            found.entries.length,
            total(found)
          )}`}
      </p>
      <div className="jp-SnapshotsComparison-scroll">
        <table className="jp-SnapshotsComparison-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('File')}</th>
              <th scope="col">{trans.__('Change')}</th>
              <th scope="col" className="jp-mod-number">
                {trans.__('Before')}
              </th>
              <th scope="col" className="jp-mod-number">
                {trans.__('After')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(entry => (
              <tr key={entry.path}>
                <td>
                  {entry.type === 'file' ? (
                    <button
                      type="button"
                      className="jp-SnapshotsComparison-file"
                      title={trans.__('Compare the contents')}
                      onClick={() => open(entry)}
                    >
                      {entry.path}
                    </button>
                  ) : (
                    entry.path
                  )}
                </td>
                <td>
                  <span className={`jp-SnapshotsChip jp-mod-${entry.change}`}>
                    {changeText(entry.change, trans)}
                  </span>
                </td>
                <td className="jp-mod-number">{size(entry.baseSize)}</td>
                <td className="jp-mod-number">{size(entry.size)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface IFilterProps extends ComparisonList.IOptions {
  found: IComparison;
  filter: IFilter;
  setFilter: (filter: IFilter) => void;
}

function Filter({ found, filter, setFilter, trans }: IFilterProps): React.JSX.Element {
  const kinds = ['changed', 'added', 'removed'] as const;
  return (
    <div className="jp-SnapshotsComparison-filter">
      <input
        type="search"
        className="jp-mod-styled"
        aria-label={trans.__('Filter by path')}
        placeholder={trans.__('Filter by path')}
        value={filter.text}
        onChange={event => setFilter({ ...filter, text: event.target.value })}
      />
      {kinds.map(kind => (
        <label key={kind}>
          <input
            type="checkbox"
            checked={filter[kind]}
            onChange={event => setFilter({ ...filter, [kind]: event.target.checked })}
          />
          {trans.__('%1 (%2)', changeText(kind, trans), found.counts[kind])}
        </label>
      ))}
    </div>
  );
}

function changeText(change: IDifference['change'], trans: TranslationBundle): string {
  switch (change) {
    case 'added':
      return trans.__('added');
    case 'removed':
      return trans.__('removed');
    default:
      return trans.__('changed');
  }
}
