import '@testing-library/jest-dom';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { ApiError } from '../api';
import type { SnapshotsModel } from '../model';
import { FilesBody } from '../panels/files/body';
import { FilesModel } from '../panels/files/model';
import type { IEntry, IPlace, IProblem } from '../tokens';

const PLACE: IPlace = { course: 'phys101', student: 'ada', snapshot: 'week-1', path: '' };
const trans = nullTranslator.load('jupyterhub_snapshots');
const registry = { getFileTypesForPath: () => [] } as unknown as DocumentRegistry;

function entry(path: string, type: IEntry['type'] = 'file'): IEntry {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { name, path, type, size: 10, modifiedAt: '2026-11-20T10:00:00Z' };
}

/** As much of the panel's model as the list needs. */
class FakeModel {
  constructor(folders: { [path: string]: IEntry[] }, problems: IProblem[] = []) {
    this.api = {
      tree: jest.fn((place: IPlace) =>
        folders[place.path]
          ? Promise.resolve(folders[place.path])
          : Promise.reject(new ApiError('The snapshot has no such file.', 'file_not_found', 404))
      ),
      snapshot: jest.fn(() =>
        Promise.resolve({
          ...{ name: 'week-1', student: 'ada', state: 'incomplete', endedAt: null },
          ...{ problemCount: problems.length, problems, includeHidden: false }
        })
      )
    };
  }

  readonly api: { tree: jest.Mock; snapshot: jest.Mock };
  readonly stateChanged = new Signal<this, void>(this);
  readonly placeChanged = new Signal<this, IPlace | null>(this);
  place: IPlace | null = null;
  me = null;
  course = null;
  snapshotsOf = () => null;
  loadSnapshots = () => Promise.resolve([]);
  showPlace(place: IPlace | null) {
    this.place = place;
    this.placeChanged.emit(place);
  }
}

function show(folders: { [path: string]: IEntry[] }, problems: IProblem[] = []) {
  const model = new FakeModel(folders, problems);
  const snapshots = model as unknown as SnapshotsModel;
  const files = new FilesModel(snapshots);
  const open = jest.fn();
  const body = new FilesBody({ files, snapshots, registry, trans, open });
  render(<div>{body.render()}</div>);
  const showPlace = (place: IPlace) => act(async () => model.showPlace(place));
  return { model, files, open, showPlace };
}

const rows = () => screen.getAllByRole('row').slice(1);

describe('FilesBody', () => {
  it('should say what to do when no snapshot is chosen', () => {
    show({});
    expect(screen.getByText('No snapshot chosen')).toBeInTheDocument();
  });

  it('should list a folder, and go in and out by keyboard', async () => {
    const user = userEvent.setup();
    const { open, showPlace } = show({
      '': [entry('b.txt'), entry('lab', 'folder'), entry('art', 'folder')],
      lab: [entry('lab/report.ipynb')]
    });
    await showPlace(PLACE);
    await screen.findByText('b.txt');
    expect(rows().map(row => row.dataset.path)).toEqual([
      'Snapshots:phys101/ada/week-1/art',
      'Snapshots:phys101/ada/week-1/lab',
      'Snapshots:phys101/ada/week-1/b.txt'
    ]);
    expect(rows().filter(row => row.tabIndex === 0)).toHaveLength(1);
    rows()[0].focus();
    await user.keyboard('{ArrowDown}');
    expect(rows()[1]).toHaveFocus();
    await user.keyboard('{Enter}');
    await screen.findByText('report.ipynb');
    expect(rows()[0]).toHaveFocus();
    await user.keyboard('{Enter}');
    expect(open).toHaveBeenCalledWith(
      { ...PLACE, path: 'lab' },
      expect.objectContaining({ path: 'lab/report.ipynb' })
    );
    await user.keyboard('{Backspace}');
    await screen.findByText('b.txt');
    expect(rows()[1]).toHaveFocus();
    await user.keyboard('b');
    expect(rows()[2]).toHaveFocus();
  });

  it('should lead back by the breadcrumb', async () => {
    const { model, showPlace } = show({
      '': [entry('a')],
      'x/y': [entry('x/y/z')],
      x: [entry('x/y', 'folder')]
    });
    await showPlace({ ...PLACE, path: 'x/y' });
    await screen.findByText('z');
    const crumbs = within(screen.getByRole('navigation'));
    expect(crumbs.getByText('y')).toHaveAttribute('aria-current', 'location');
    fireEvent.click(crumbs.getByRole('button', { name: 'x' }));
    expect(model.place?.path).toBe('x');
    await waitFor(() => expect(rows()[0]).toHaveAttribute('data-type', 'folder'));
    fireEvent.click(screen.getByRole('button', { name: 'Top of the snapshot' }));
    expect(model.place?.path).toBe('');
  });

  it('should draw only some of ten thousand rows, and tell how many there are', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) => entry(`file-${at}.txt`));
    const { showPlace } = show({ '': many });
    await showPlace(PLACE);
    const grid = await screen.findByRole('grid');
    expect(grid).toHaveAttribute('aria-rowcount', '10001');
    expect(rows().length).toBeLessThan(60);
    rows()[0].focus();
    fireEvent.keyDown(rows()[0], { key: 'End' });
    await waitFor(() => expect(document.activeElement).toHaveTextContent('file-9999.txt'));
    expect(document.activeElement).toHaveAttribute('aria-rowindex', '10001');
  });

  it('should sort by a column, and turn it around', async () => {
    const { showPlace } = show({ '': [entry('a'), entry('b')] });
    await showPlace(PLACE);
    fireEvent.click(await screen.findByRole('button', { name: /Name/ }));
    expect(rows().map(row => row.dataset.row && row.textContent?.charAt(0))).toEqual(['b', 'a']);
    const header = screen.getByRole('columnheader', { name: /Name/ });
    expect(header).toHaveAttribute('aria-sort', 'descending');
  });

  it('should flag what changed during the capture, and list what is missing', async () => {
    const { showPlace } = show({ '': [entry('a.txt')] }, [
      { path: 'a.txt', reason: 'changed' },
      { path: 'secret.txt', reason: 'unreadable' },
      { path: 'lab/deep.txt', reason: 'unreadable' }
    ]);
    await showPlace(PLACE);
    await screen.findByText('a.txt');
    const flag = screen.getByRole('img', { name: 'was changed while the snapshot was taken' });
    expect(flag).toBeInTheDocument();
    expect(screen.getByText('1 item could not be captured')).toBeInTheDocument();
    expect(screen.getByText('secret.txt')).toBeInTheDocument();
    expect(screen.queryByText('deep.txt')).toBeNull();
  });

  it('should show the folder of a file that is revealed', async () => {
    const { showPlace } = show({ lab: [entry('lab/a.txt'), entry('lab/b.txt')] });
    await showPlace({ ...PLACE, path: 'lab/b.txt' });
    await screen.findByText('b.txt');
    expect(rows()[1]).toHaveAttribute('aria-selected', 'true');
    expect(screen.getByText('lab')).toHaveAttribute('aria-current', 'location');
  });

  it('should tell empty from failed, and offer a way on', async () => {
    const { showPlace } = show({ '': [] });
    await showPlace(PLACE);
    expect(await screen.findByText('This folder is empty')).toBeInTheDocument();
    await showPlace({ ...PLACE, path: 'gone/deep' });
    expect(await screen.findByText('The snapshot has no such file.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Show the Top Folder' }));
    expect(await screen.findByText('This folder is empty')).toBeInTheDocument();
  });

  it('should not show the answer to a question that is no longer asked', async () => {
    const { files, model, showPlace } = show({ '': [entry('top')], slow: [entry('slow/late')] });
    let answer: (entries: IEntry[]) => void = () => undefined;
    model.api.tree.mockImplementationOnce(() => new Promise(resolve => (answer = resolve)));
    await showPlace({ ...PLACE, path: 'slow' });
    await showPlace(PLACE);
    await screen.findByText('top');
    answer([entry('slow/late')]);
    await Promise.resolve();
    expect(files.entries?.map(each => each.name)).toEqual(['top']);
  });

  it('should take the focus into an empty folder, and back by keyboard', async () => {
    const user = userEvent.setup();
    const { showPlace } = show({ '': [entry('lab', 'folder')], lab: [] });
    await showPlace(PLACE);
    await screen.findByText('lab');
    rows()[0].focus();
    await user.keyboard('{Enter}');
    const message = await screen.findByText('This folder is empty');
    expect(document.activeElement).toContainElement(message);
    await user.keyboard('{Backspace}');
    await screen.findByRole('grid');
    expect(rows()[0]).toHaveFocus();
  });

  it('should keep the focus through a failure', async () => {
    const user = userEvent.setup();
    const folders: { [path: string]: IEntry[] } = { '': [entry('lab', 'folder')] };
    const { showPlace } = show(folders);
    await showPlace(PLACE);
    await screen.findByText('lab');
    rows()[0].focus();
    await user.keyboard('{Enter}');
    await waitFor(() => expect(document.activeElement).toHaveTextContent('no such file'));
    folders.lab = [entry('lab/a.txt')];
    await user.click(screen.getByRole('button', { name: 'Try Again' }));
    await screen.findByText('a.txt');
    expect(rows()[0]).toHaveFocus();
  });

  it('should not take the focus for a place that comes from elsewhere', async () => {
    const user = userEvent.setup();
    const { files, showPlace } = show({ '': [entry('a.txt')], lab: [entry('lab/b.txt')] });
    await showPlace(PLACE);
    await screen.findByText('a.txt');
    rows()[0].focus();
    // There is no folder above: nothing is left over for later.
    await user.keyboard('{Backspace}');
    act(() => rows()[0].blur());
    await showPlace({ ...PLACE, path: 'lab' });
    await screen.findByText('b.txt');
    expect(document.body).toHaveFocus();
    // Nor from where somebody went while the folder was loading.
    const elsewhere = document.body.appendChild(document.createElement('input'));
    await act(async () => {
      files.up();
      elsewhere.focus();
    });
    await screen.findByText('a.txt');
    expect(elsewhere).toHaveFocus();
    elsewhere.remove();
  });

  it('should not ask for a file at the top as if it were a folder', async () => {
    const { model, showPlace } = show({ '': [entry('a.txt'), entry('.x', 'folder')], '.x': [] });
    await showPlace({ ...PLACE, path: 'a.txt' });
    await screen.findByText('a.txt');
    expect(model.api.tree.mock.calls.map(([place]) => (place as IPlace).path)).toEqual(['']);
    // A dot in front tells nothing.
    await showPlace({ ...PLACE, path: '.x' });
    await screen.findByText('This folder is empty');
    expect(model.api.tree).toHaveBeenLastCalledWith(expect.objectContaining({ path: '.x' }));
  });
});
