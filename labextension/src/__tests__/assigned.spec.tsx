import '@testing-library/jest-dom';
import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { act, fireEvent, render, screen, within } from '@testing-library/react';
import React from 'react';
import { ServerClock } from '../clock';
import { DeadlineSteps } from '../dialogs/whyDeadline';
import type { SnapshotsModel } from '../model';
import type { OwnAssignmentsModel } from '../ownAssignments';
import { OwnCommandIDs } from '../ownTokens';
import type { IOwnAssignment } from '../ownTokens';
import { Assigned } from '../panels/own/assignments';
import { inOrder, standing } from '../panels/own/standing';
import { momentText, TimeLeftStatus, TimeLeftTeller } from '../timeLeft';
import { assigned, captured, running } from './ownSamples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const NOW = new Date('2026-11-29T12:00:00Z');

/** As much of both models as the views need. */
class FakeOwn {
  readonly stateChanged = new Signal<this, void>(this);
  readonly ticked = new Signal<this, void>(this);
  readonly reached = new Signal<this, OwnAssignmentsModel.IReached>(this);
  readonly captured = new Signal<this, OwnAssignmentsModel.ICaptured>(this);
  list: IOwnAssignment[] | null = [];
  problem: Error | null = null;
  left = new Map<number, number>();
  load = jest.fn(() => Promise.resolve());
  of = () => this.list;
  problemOf = () => this.problem;
  leftOf = (_: string, id: number) => this.left.get(id) ?? null;
  get running() {
    return [...this.left].map(([id, left]) => ({
      course: 'phys',
      assignment: running(id, left),
      left
    }));
  }
}

function show(list: IOwnAssignment[] | null, change: Partial<FakeOwn> = {}) {
  const own = Object.assign(new FakeOwn(), { list }, change);
  const clock = new ServerClock(() => 0);
  clock.hear(NOW.toUTCString());
  const model = {
    stateChanged: new Signal({}),
    api: { clock },
    me: { username: 'ada' },
    course: { code: 'phys', title: 'Physics', timeZone: 'Europe/Berlin', role: 'student' },
    showPlace: jest.fn()
  };
  const commands = new CommandRegistry();
  const execute = jest.spyOn(commands, 'execute').mockResolvedValue(undefined);
  render(
    <Assigned
      model={model as unknown as SnapshotsModel}
      own={own as unknown as OwnAssignmentsModel}
      commands={commands}
      trans={trans}
    />
  );
  return { own, model, execute };
}

describe('Assigned', () => {
  it('should say when it is due, in the zone of the course and on one’s own clock', () => {
    show([assigned(3)]);
    const row = screen.getByRole('listitem', { name: 'Homework 3' });
    expect(row).toHaveTextContent('Due Tue 1 Dec 2026, 23:59 CET (in 2 days)');
    // The tests run in UTC, or wherever the machine is: the line is there where clocks differ.
    const differs = new Date('2026-12-01T22:59:59Z').getTimezoneOffset() !== -60;
    expect(within(row).queryAllByText(/on your clock$/)).toHaveLength(differs ? 1 : 0);
    expect(within(row).getByText('open')).toBeInTheDocument();
  });

  it('should tell of an extension, of extra time and of the late period', () => {
    const before = '2026-11-24T22:59:59Z';
    const between = '2026-11-30T22:59:59Z';
    show([
      assigned(3, {
        closes: '2026-12-03T22:59:59Z',
        steps: [
          { rule: 'dueDate', before: null, after: before, source: '', text: '' },
          { rule: 'extension', before, after: between, source: '', text: '' },
          { rule: 'dateExtraHours', before: between, after: 'x', source: '', text: '' }
        ]
      })
    ]);
    expect(
      screen.getByText('You have an extension. Without it: Tue 24 Nov 2026, 23:59 CET.')
    ).toBeInTheDocument();
    expect(
      screen.getByText('You have extra time. Without it: Mon 30 Nov 2026, 23:59 CET.')
    ).toBeInTheDocument();
    expect(
      screen.getByText('Late work is accepted until Thu 3 Dec 2026, 23:59 CET.')
    ).toBeInTheDocument();
  });

  it('should say when it closes where there is no due date', () => {
    const closes = '2026-12-01T22:59:59Z';
    const availability = { timed: 90, password: true };
    show([
      assigned(1, { due: null, closes, availability, state: 'not_opened' }),
      assigned(2, { due: null, closes: null })
    ]);
    const [timed, free] = screen.getAllByRole('listitem');
    expect(timed).toHaveTextContent('Closes Tue 1 Dec 2026, 23:59 CET (in 2 days)');
    expect(free).toHaveTextContent('No due date');
  });

  it('should lead from a capture to its files and its receipt', () => {
    const snapshot = { name: 'homework-3_2026-12-01', beganAt: '2026-12-01T23:00:02Z', changed: 2 };
    const { model } = show([assigned(3, { state: 'captured', snapshot })]);
    expect(screen.getByText('Captured Wed 2 Dec 2026, 00:00:02 CET')).toBeInTheDocument();
    expect(screen.getByText('2 files in it were changed after the deadline.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Show Files of Homework 3' }));
    expect(model.showPlace).toHaveBeenCalledWith({
      course: 'phys',
      student: 'ada',
      snapshot: snapshot.name,
      path: ''
    });
    expect(screen.getByRole('button', { name: 'Receipt of Homework 3' })).toHaveAttribute(
      'aria-haspopup',
      'menu'
    );
  });

  it('should offer to open what has to be opened, and explain the deadline', () => {
    const availability = { timed: 90, password: true };
    const { execute } = show([
      assigned(1, { state: 'not_opened', availability, title: 'Exam' }),
      assigned(2)
    ]);
    expect(screen.getByText('You have 1 hour 30 minutes from when you open it.')).toBeVisible();
    fireEvent.click(screen.getByRole('button', { name: 'Open… Exam' }));
    expect(execute).toHaveBeenCalledWith(OwnCommandIDs.open, { course: 'phys', id: 1 });
    fireEvent.click(screen.getByRole('button', { name: 'Why this deadline? Homework 2' }));
    expect(execute).toHaveBeenCalledWith(OwnCommandIDs.why, { course: 'phys', id: 2 });
    expect(screen.queryByRole('button', { name: 'Open… Homework 2' })).toBeNull();
  });

  it('should say that the document could not be put there', () => {
    const delivery = {
      state: 'failed' as const,
      path: null,
      renamed: false,
      errorCode: 'storage_full',
      error: 'There is no space left.'
    };
    show([assigned(1, { delivery })]);
    expect(
      screen.getByText('Its document could not be put into your files: There is no space left.')
    ).toBeInTheDocument();
  });

  it('should open the document', () => {
    const { execute } = show([assigned(1, { delivered: 'homework-1/sheet.ipynb' })]);
    fireEvent.click(screen.getByText('homework-1/sheet.ipynb'));
    expect(execute).toHaveBeenCalledWith(OwnCommandIDs.openDocument, { course: 'phys', id: 1 });
  });

  it('should tick, and say when the time has ended', () => {
    const { own } = show([running(4, 400)], { left: new Map([[4, 400]]) });
    const timer = screen.getByRole('timer');
    expect(timer).toHaveTextContent('6:40');
    expect(timer).toHaveAccessibleName('6 minutes left');
    own.left.set(4, 399);
    act(() => own.ticked.emit());
    expect(timer).toHaveTextContent('6:39');
    own.left.set(4, 0);
    act(() => own.ticked.emit());
    expect(screen.getByText(/Your files are being captured…/)).not.toHaveAttribute('role');
  });

  it('should say that there is nothing, that it waits, and what failed', () => {
    const { execute } = show([]);
    expect(screen.getByText('No assignments yet')).toBeInTheDocument();
    fireEvent.click(screen.getByText('Open a Hidden Assignment…'));
    expect(execute).toHaveBeenCalledWith(OwnCommandIDs.openHidden);
  });

  it('should wait', () => {
    show(null);
    expect(screen.getByText('Loading…')).toBeInTheDocument();
  });

  it('should try again', () => {
    const { own } = show(null, { problem: new Error('The service is down.') });
    expect(screen.getByRole('alert')).toHaveTextContent('The service is down.');
    fireEvent.click(screen.getByText('Try Again'));
    expect(own.load).toHaveBeenCalledWith('phys');
  });

  it('should keep showing what it has when it could not be loaded again', () => {
    show([assigned(1)], { problem: new Error('The service is down.') });
    expect(screen.getByRole('alert')).toHaveTextContent('This may be old: The service is down.');
    expect(screen.getByRole('listitem', { name: 'Homework 1' })).toBeInTheDocument();
  });
});

describe('standing', () => {
  const of = (more: Partial<IOwnAssignment>) => standing(assigned(1, more), NOW, trans).label;
  it('should be one word for each case', () => {
    const timed = { timed: 20, password: false };
    const failed = { kind: 'deadline', at: '', state: 'failed', snapshot: null, lateSeconds: 1 };
    expect(of({})).toBe('open');
    expect(of({ due: '2026-11-29T11:00:00Z', closes: '2026-12-01T11:00:00Z' })).toBe('late');
    expect(of({ excused: true, state: 'closed' })).toBe('excused');
    expect(of({ state: 'not_opened' })).toBe('not opened');
    expect(of({ state: 'running_out' })).toBe('running');
    const byHand = { name: 'x', beganAt: null, changed: 0 };
    expect(of({ state: 'running_out', snapshot: byHand })).toBe('running');
    expect(of({ snapshot: byHand })).toBe('open');
    expect(of({ state: 'closed' })).toBe('closed');
    expect(of({ state: 'captured' })).toBe('captured');
    expect(of({ state: 'closed', captures: [failed as never] })).toBe('failed');
    expect(
      standing(assigned(1, { state: 'closed', availability: timed }), NOW, trans).explanation
    ).toMatch('without being opened');
    expect(standing(captured(1), NOW, trans).colour).toBe('complete');
  });

  it('should put first what needs doing first, and what is over last', () => {
    const list = [
      captured(1, { ends: '2026-11-01T10:00:00Z' }),
      assigned(2, { due: null }),
      assigned(3, { due: '2026-12-05T10:00:00Z' }),
      assigned(4, { due: '2026-12-01T10:00:00Z' }),
      running(5, 600),
      captured(6, { ends: '2026-11-20T10:00:00Z' })
    ];
    const order = (withClock: number[]) =>
      inOrder(list, each => withClock.includes(each.id)).map(each => each.id);
    expect(order([5])).toEqual([5, 4, 3, 2, 6, 1]);
    expect(order([1, 5])).toEqual([1, 5, 4, 3, 2, 6]);
  });
});

describe('DeadlineSteps', () => {
  it('should tell each step and what holds', () => {
    const due = '2026-11-30T22:59:59Z';
    const later = '2026-12-01T22:59:59Z';
    render(
      <DeadlineSteps
        timeZone="Europe/Berlin"
        trans={trans}
        deadline={assigned(1, {
          due: later,
          closes: '2026-12-02T22:59:59Z',
          steps: [
            { rule: 'dueDate', before: null, after: due, source: 'a', text: 'It is due.' },
            { rule: 'extension', before: due, after: later, source: 'b', text: 'You got a day.' }
          ]
        })}
      />
    );
    const [first, second] = screen.getAllByRole('listitem');
    expect(first).toHaveTextContent('Due dateMon 30 Nov 2026, 23:59 CETIt is due.');
    expect(second).toHaveTextContent('Mon 30 Nov 2026, 23:59 CET → Tue 1 Dec 2026, 23:59 CET');
    expect(screen.getByText('Closes')).toBeInTheDocument();
  });

  it('should say that somebody is excused, and that nothing was set', () => {
    const due = '2026-11-30T22:59:59Z';
    const step = { rule: 'extension' as const, before: due, after: null, source: '', text: '' };
    const { unmount } = render(
      <DeadlineSteps
        timeZone="UTC"
        trans={trans}
        deadline={assigned(1, { due: null, excused: true, steps: [step] })}
      />
    );
    expect(screen.getByText('excused')).toBeInTheDocument();
    expect(screen.getByText(/nothing is asked and nothing captured/)).toBeInTheDocument();
    unmount();
    render(<DeadlineSteps timeZone="UTC" trans={trans} deadline={assigned(1, { due: null })} />);
    expect(screen.getByText(/No due date was set/)).toBeInTheDocument();
  });
});

describe('the time left', () => {
  const asOwn = (own: FakeOwn) => own as unknown as OwnAssignmentsModel;

  it('should stand in the status bar while a clock runs', () => {
    const own = new FakeOwn();
    const onClick = jest.fn();
    render(<TimeLeftStatus own={asOwn(own)} trans={trans} onClick={onClick} />);
    expect(screen.queryByRole('button')).toBeNull();
    own.left = new Map([
      [1, 0],
      [2, 299]
    ]);
    act(() => own.stateChanged.emit());
    const button = screen.getByRole('button', {
      name: '4 minutes left for Exam 2. Show it in the panel.'
    });
    expect(button).toHaveTextContent('4:59');
    expect(button).toHaveTextContent('+1');
    expect(button).toHaveClass('jp-mod-short');
    fireEvent.click(button);
    expect(onClick).toHaveBeenCalledWith('phys');
  });

  it('should be said at the moments alone', () => {
    const own = new FakeOwn();
    const { node } = new TimeLeftTeller(asOwn(own), jest.fn(), trans);
    expect(node).toHaveAttribute('aria-live', 'polite');
    act(() => own.ticked.emit());
    expect(node).toHaveTextContent('');
    own.reached.emit({ course: 'phys', assignment: running(2, 600), moment: 10, left: 600 });
    expect(node).toHaveTextContent('Exam 2: 10 minutes left.');
    const reached = { course: 'phys', assignment: running(2, 0), moment: 0 as const, left: 0 };
    own.reached.emit(reached);
    expect(node).toHaveTextContent(''); // The notification is read aloud.
    own.stateChanged.emit(); // No clock runs any more: it goes.
    expect(Notification.manager.notifications).toEqual([]);
    expect(momentText(reached, trans)).toMatch('Exam 2: your time has ended.');
  });

  it('should have one notification at a time: the warning, the end, the capture', () => {
    const own = new FakeOwn();
    new TimeLeftTeller(asOwn(own), jest.fn(), trans);
    const shown = () => Notification.manager.notifications.map(each => each.message);
    const reach = (moment: 10 | 5 | 1 | 0) =>
      own.reached.emit({
        course: 'phys',
        assignment: running(2, moment * 60),
        moment,
        left: moment * 60
      });
    reach(10);
    expect(shown()).toEqual([]);
    reach(5);
    const warning = 'Exam 2: 5 minutes left. Save your work: only what is saved is captured.';
    expect(shown()).toEqual([warning]);
    reach(1);
    expect(shown()).toEqual([
      'Exam 2: 1 minute left. Save your work: only what is saved is captured.'
    ]);
    reach(0);
    expect(shown()).toEqual(['Exam 2: your time has ended. Your files are being captured.']);
    own.captured.emit({ course: 'phys', assignment: captured(2, { title: 'Exam 2' }) });
    expect(shown()).toEqual(['Exam 2: captured at the end of your time.']);
    own.stateChanged.emit();
    expect(shown()).toEqual(['Exam 2: captured at the end of your time.']);
    reach(5);
    own.left = new Map([[2, 300]]);
    own.stateChanged.emit();
    expect(shown()).toEqual([warning]);
    own.left = new Map();
    own.stateChanged.emit();
    expect(shown()).toEqual([]);
    Notification.dismiss();
  });
});
