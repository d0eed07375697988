import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { ApiError } from '../api';
import { openAssignment, OpenForm, refusalOf } from '../dialogs/openAssignment';
import type { IOpenForm } from '../dialogs/openAssignment';
import type { OwnAssignmentsModel } from '../ownAssignments';
import { shownPath } from '../ownDocuments';
import type { IOwnAssignment } from '../ownTokens';
import { assigned, running } from './ownSamples';
import { until } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const NOW = new Date('2026-12-01T10:00:00Z');
const EXAM = assigned(3, {
  title: 'Exam',
  state: 'not_opened',
  availability: { timed: 90, password: true }
});

/** As the dialog has it: what is typed is kept beside the form. */
function Filled(
  props: Omit<React.ComponentProps<typeof OpenForm>, 'input' | 'busy' | 'onChange'> & {
    change: (form: IOpenForm) => void;
  }
) {
  const [input, setInput] = React.useState<IOpenForm>({ title: '', password: '' });
  const onChange = (next: IOpenForm) => {
    setInput(next);
    props.change(next);
  };
  return <OpenForm {...props} input={input} busy={false} onChange={onChange} />;
}

function form(
  assignment: IOwnAssignment | null,
  refusal = null as ReturnType<typeof refusalOf> | null
) {
  const change = jest.fn<void, [IOpenForm]>();
  render(
    <Filled
      assignment={assignment}
      timeZone="Europe/Berlin"
      now={() => NOW}
      trans={trans}
      refusal={refusal}
      change={change}
    />
  );
  return change;
}

describe('OpenForm', () => {
  it('should say that the clock starts once, for how long, and when it ends at the latest', async () => {
    const change = form(EXAM);
    expect(screen.getByText(/it starts only once/)).toBeInTheDocument();
    expect(screen.getByText('1 hour 30 minutes')).toBeInTheDocument();
    expect(screen.getByText('Tue 1 Dec 2026, 12:30 CET')).toBeInTheDocument();
    expect(screen.getByText('Tue 1 Dec 2026, 23:59 CET')).toBeInTheDocument();
    const password = screen.getByLabelText('Password');
    expect(password).toBeInvalid();
    await userEvent.type(password, 'pw');
    expect(password).toBeValid();
    expect(change).toHaveBeenLastCalledWith({ title: '', password: 'pw' });
  });

  it('should say that the time is cut off by the closing', () => {
    form({ ...EXAM, closes: '2026-12-01T10:30:00Z' });
    expect(
      screen.getByText('30 minutes of 1 hour 30 minutes, because the assignment closes then')
    ).toBeInTheDocument();
    expect(screen.getByText('Tue 1 Dec 2026, 11:30 CET')).toBeInTheDocument();
    expect(screen.queryByText('At the latest')).toBeNull();
  });

  it('should not stand still while one reads', () => {
    jest.useFakeTimers();
    let now = NOW;
    const view = render(
      <Filled
        assignment={EXAM}
        timeZone="Europe/Berlin"
        now={() => now}
        refusal={null}
        change={jest.fn()}
        trans={trans}
      />
    );
    try {
      expect(view.getByText('Tue 1 Dec 2026, 12:30 CET')).toBeInTheDocument();
      now = new Date('2026-12-01T10:05:00Z');
      act(() => void jest.advanceTimersByTime(1000));
      expect(view.getByText('Tue 1 Dec 2026, 12:35 CET')).toBeInTheDocument();
    } finally {
      jest.useRealTimers();
    }
  });

  it('should ask for no password where there is none', () => {
    form({ ...EXAM, availability: { timed: null, password: false } });
    expect(screen.queryByLabelText('Password')).toBeNull();
    expect(screen.getByText(/There is no limit of time/)).toBeInTheDocument();
  });

  it('should ask for the title of a hidden one', async () => {
    const change = form(null);
    await userEvent.type(screen.getByLabelText('Title'), 'T');
    expect(change).toHaveBeenLastCalledWith({ title: 'T', password: '' });
  });

  it('should count the seconds until it may be tried again', () => {
    jest.useFakeTimers();
    try {
      form(EXAM, { message: 'There were too many tries.', wait: 61 });
      expect(screen.getByRole('alert')).toHaveTextContent('Try again in 1:01.');
      act(() => void jest.advanceTimersByTime(59_000));
      expect(screen.getByRole('alert')).toHaveTextContent('Try again in 2 seconds.');
      act(() => void jest.advanceTimersByTime(1000));
      expect(screen.getByRole('alert')).toHaveTextContent('Try again in one second.');
      act(() => void jest.advanceTimersByTime(1000));
      expect(screen.getByRole('alert')).toHaveTextContent('You can try again now.');
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('refusalOf', () => {
  const told = (code: string, isHidden = false, details = {}) =>
    refusalOf(new ApiError('What the service says.', code, 403, details), isHidden, trans);
  it('should say what can be done', () => {
    expect(told('wrong_password').message).toMatch('not the password');
    expect(told('wrong_password', true).message).toMatch('title or the password');
    expect(told('too_many_attempts', false, { retryAfterSeconds: 26.2 })).toEqual({
      message: 'There were too many wrong tries.',
      wait: 27
    });
    expect(told('busy', false, { retryAfterSeconds: 5 }).wait).toBe(5);
    expect(told('busy').wait).toBeNull();
    expect(told('not_open_yet')).toMatchObject({ isFinal: true });
    expect(told('not_open_yet').message).toBe('It is not open yet. What the service says.');
    expect(told('closed')).toMatchObject({ isFinal: true });
    expect(told('closed', true)).toMatchObject({ isFinal: false });
    expect(told('home_missing').message).toBe('What the service says.');
    expect(refusalOf(new Error('Oops'), false, trans).message).toBe('Oops');
  });
});

describe('openAssignment', () => {
  /** Presses a button of the dialog once it may be pressed. */
  const press = async (label: string) => {
    const button = screen.getByText(label).closest('button')!;
    await until(() => !button.disabled, `${label} enabled`);
    await userEvent.click(button);
  };
  const begin = (own: object, id: number | null) =>
    openAssignment({
      own: { find: () => EXAM, load: jest.fn(), ...own } as unknown as OwnAssignmentsModel,
      course: 'phys',
      timeZone: 'UTC',
      id,
      now: () => NOW,
      trans
    });

  it('should ask again after a wrong password', async () => {
    const open = jest
      .fn()
      .mockRejectedValueOnce(new ApiError('Wrong.', 'wrong_password', 403))
      .mockResolvedValueOnce(running(3, 5400));
    const answer = begin({ open }, 3);
    await until(() => screen.queryByLabelText('Password') !== null, 'the form there');
    await userEvent.type(screen.getByLabelText('Password'), 'no');
    await press('Open and Start the Clock');
    await until(() => screen.queryByText(/not the password/) !== null, 'the reason told');
    expect(screen.getByLabelText('Password')).toHaveValue('');
    await userEvent.type(screen.getByLabelText('Password'), 'yes');
    await press('Open and Start the Clock');
    expect((await answer)?.id).toBe(3);
    expect(open.mock.calls).toEqual([
      ['phys', 3, 'no'],
      ['phys', 3, 'yes']
    ]);
  });

  it('should say that it is being opened, and not open it twice', async () => {
    let finish: (opened: IOwnAssignment) => void = () => undefined;
    const open = jest.fn(() => new Promise<IOwnAssignment>(resolve => (finish = resolve)));
    const answer = begin({ open }, 3);
    await until(() => screen.queryByLabelText('Password') !== null, 'the form there');
    await userEvent.type(screen.getByLabelText('Password'), 'pw{Enter}{Enter}');
    await until(() => screen.queryAllByText('Opening…').length === 2, 'the sign there');
    const button = screen.getByText('Open and Start the Clock').closest('button');
    expect(button).toBeDisabled();
    await userEvent.keyboard('{Escape}');
    expect(screen.getByLabelText('Password')).toHaveAttribute('readonly');
    expect(open).toHaveBeenCalledTimes(1);
    finish(running(3, 5400));
    expect((await answer)?.id).toBe(3);
  });

  it('should not start a clock by a key pressed too often', async () => {
    const open = jest.fn().mockResolvedValue(running(3, 5400));
    const find = () => ({ ...EXAM, availability: { timed: 90, password: false } });
    const answer = begin({ open, find }, 3);
    await until(() => document.activeElement?.textContent === 'Cancel', 'the focus at Cancel');
    await userEvent.keyboard('{Enter}');
    expect(await answer).toBeNull();
    expect(open).not.toHaveBeenCalled();
  });

  it('should say that it is closed, and leave it at that', async () => {
    const open = jest.fn().mockRejectedValue(new ApiError('Closed.', 'closed', 403));
    const answer = begin({ open }, 3);
    await until(() => screen.queryByLabelText('Password') !== null, 'the form there');
    await userEvent.type(screen.getByLabelText('Password'), 'pw');
    await press('Open and Start the Clock');
    await until(() => screen.queryByText(/can’t be opened any more/) !== null, 'the reason told');
    await press('Close');
    expect(await answer).toBeNull();
  });

  it('should open a hidden one by its title', async () => {
    const openHidden = jest.fn().mockResolvedValue(running(9, 60));
    const answer = begin({ openHidden }, null);
    await until(() => screen.queryByLabelText('Title') !== null, 'the form there');
    await userEvent.type(screen.getByLabelText('Title'), ' Make-up exam ');
    await userEvent.type(screen.getByLabelText('Password'), ' pw');
    await press('Open');
    expect((await answer)?.id).toBe(9);
    expect(openHidden).toHaveBeenCalledWith('phys', 'Make-up exam', ' pw');
  });

  it('should not ask for one that was opened in another window', async () => {
    const find = () => running(3, 600);
    expect((await begin({ find }, 3))?.opened).not.toBeNull();
  });
});

describe('shownPath', () => {
  it.each([
    ['exam/exam.ipynb', '/home/ada', 'exam/exam.ipynb'],
    ['exam/exam.ipynb', '', 'exam/exam.ipynb'],
    ['work/exam/exam.ipynb', '~/work', 'exam/exam.ipynb'],
    ['exam/exam.ipynb', '~/work', null],
    ['workshop/exam.ipynb', '~/work', null]
  ])('should call %s below %s: %s', (path, root, shown) => {
    expect(shownPath(path, root)).toBe(shown);
  });
});
