import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { ServerClock } from '../clock';
import type { SnapshotsModel } from '../model';
import { Own } from '../panels/own';
import { CommandIDs } from '../tokens';
import type { IPlace, ISnapshot } from '../tokens';

const trans = nullTranslator.load('jupyterhub_snapshots');

function snapshot(name: string): ISnapshot {
  const common = { student: 'ada', state: 'complete', endedAt: '2026-11-20T10:00:00Z' };
  return { ...common, name, bytes: 2048, problemCount: 0 } as ISnapshot;
}

/** As much of the panel's model as the list needs. */
class FakeModel {
  readonly api = { clock: new ServerClock() };
  readonly stateChanged = new Signal<this, void>(this);
  readonly placeChanged = new Signal<this, IPlace | null>(this);
  me = { username: 'ada', admin: false, courses: [] };
  course = { code: 'phys101', title: 'Physics', timeZone: 'UTC', role: 'student' };
  place: IPlace | null = null;
  found: ISnapshot[] | null = null;
  problem: Error | null = null;
  snapshotsOf = () => this.found;
  problemOf = () => this.problem;
  loadSnapshots = jest.fn(() => Promise.resolve([]));
  showPlace(place: IPlace) {
    this.place = place;
    this.placeChanged.emit(place);
  }
}

function show(change: Partial<FakeModel> = {}) {
  const model = Object.assign(new FakeModel(), change);
  const commands = new CommandRegistry();
  render(<Own model={model as unknown as SnapshotsModel} commands={commands} trans={trans} />);
  return { model, commands };
}

describe('Own', () => {
  it('should ask for the list once', () => {
    const { model } = show();
    expect(screen.getByText('Loading…')).toBeInTheDocument();
    act(() => model.stateChanged.emit());
    expect(model.loadSnapshots).toHaveBeenCalledTimes(1);
    expect(model.loadSnapshots).toHaveBeenCalledWith('ada');
  });

  it('should explain when there will be snapshots', () => {
    show({ found: [] });
    expect(screen.getByText('No snapshots of your files yet')).toBeInTheDocument();
    expect(screen.getByText(/Your instructor takes them/)).toBeInTheDocument();
  });

  it('should show the files of a snapshot, and which one is shown', () => {
    const { model } = show({ found: [snapshot('week-2'), snapshot('week-1')] });
    const first = screen.getByRole('button', { name: 'Show the files of week-2' });
    expect(first).toHaveTextContent('2 KB');
    fireEvent.click(first);
    expect(model.place).toEqual({
      course: 'phys101',
      student: 'ada',
      snapshot: 'week-2',
      path: ''
    });
    expect(first).toHaveAttribute('aria-current', 'true');
    const second = screen.getByRole('button', { name: 'Show the files of week-1' });
    expect(second).toHaveAttribute('aria-current', 'false');
  });

  it('should say what failed and try again', () => {
    const { model } = show({ problem: new Error('The service is down.') });
    expect(screen.getByRole('alert')).toHaveTextContent('The service is down.');
    expect(model.loadSnapshots).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Try Again' }));
    expect(model.loadSnapshots).toHaveBeenCalledTimes(1);
  });

  it('should compare with another one', () => {
    const { commands } = show({ found: [snapshot('week-1')] });
    const execute = jest.spyOn(commands, 'execute').mockResolvedValue(undefined);
    fireEvent.click(screen.getByLabelText('Compare week-1 with…'));
    expect(execute).toHaveBeenCalledWith(
      CommandIDs.compareSnapshots,
      expect.objectContaining({ course: 'phys101', student: 'ada', snapshot: 'week-1' })
    );
  });
});
