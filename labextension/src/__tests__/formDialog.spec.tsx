import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { act, configure, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';
import { AssignmentsModel } from '../assignments';
import type { IMove } from '../assignmentTokens';
import type { AssignmentsApi } from '../assignmentsApi';
import { AccommodationFields, AccommodationForm } from '../dialogs/accommodation';
import { DateField, TextField } from '../dialogs/fields';
import { FormDialog, FormModel } from '../dialogs/formDialog';
import { Moves } from '../dialogs/moves';
import { PreviewModel } from '../dialogs/preview';
import { StudentPicker } from '../dialogs/studentPicker';
import { WhyOf } from '../dialogs/whyOf';
import { SnapshotsModel } from '../model';
import { FakeServer, settle, student, until } from './samples';

// The page of the tests does not know that a `dialog` is shown.
configure({ defaultHidden: true });

const trans = nullTranslator.load('jupyterhub_snapshots');
const STUDENTS = [student('ada'), student('bo')];

/** A form with a name and some students, which is saved when `finish` is called. */
class Form extends FormModel {
  name = '';
  chosen: ReadonlySet<string> = new Set<string>();
  saves = 0;
  finish: (done: boolean) => void = () => undefined;

  get isChanged(): boolean {
    return this.name !== '' || this.chosen.size > 0;
  }

  get isComplete(): boolean {
    return true;
  }

  set(change: { name?: string; chosen?: ReadonlySet<string> }): void {
    Object.assign(this, change);
    this.stateChanged.emit();
  }

  protected save(): Promise<boolean> {
    this.saves += 1;
    return new Promise(resolve => (this.finish = resolve));
  }
}

describe('the dialog', () => {
  let form: Form;
  let dialog: FormDialog<Form>;
  let closed: jest.Mock;

  beforeEach(async () => {
    form = new Form();
    closed = jest.fn();
    dialog = new FormDialog({
      title: 'Form',
      form,
      render: () => (
        <>
          <TextField label="Name" value={form.name} onChange={name => form.set({ name })} />
          <StudentPicker
            students={STUDENTS}
            chosen={form.chosen}
            onChange={chosen => form.set({ chosen })}
            trans={trans}
          />
        </>
      ),
      accept: 'Save',
      trans
    });
    void dialog.launch().then(closed, () => undefined);
    await act(() => dialog.ready);
  });

  afterEach(async () => {
    await act(async () => {
      form.finish(true);
      await settle();
      dialog.dispose();
      form.dispose();
    });
  });

  /** Presses keys, and lets happen what comes of it. */
  const keys = (text: string) =>
    act(async () => {
      await userEvent.keyboard(text);
      await settle();
    });

  describe('Enter', () => {
    test('in the filter or at a student saves nothing', async () => {
      await userEvent.type(screen.getByRole('searchbox'), 'ada');
      await keys('{Enter}');
      screen.getByRole('checkbox').focus();
      await keys('{Enter}');
      expect(form.saves).toBe(0);
      expect(closed).not.toHaveBeenCalled();
    });

    test('in a line of text saves, once', async () => {
      await userEvent.type(screen.getByLabelText('Name'), 'x');
      await keys('{Enter}{Enter}');
      expect(form.saves).toBe(1);
      await act(async () => {
        form.finish(true);
        await settle();
      });
      expect(closed).toHaveBeenCalledTimes(1);
      expect(dialog.isSaved).toBe(true);
    });
  });

  describe('what was filled in', () => {
    test('is not lost by a click beside the dialog', async () => {
      fireEvent.mouseDown(dialog.node);
      fireEvent.click(dialog.node);
      await settle();
      expect(closed).not.toHaveBeenCalled();
    });

    test('is asked about once before Escape throws it away', async () => {
      await userEvent.type(screen.getByLabelText('Name'), 'x');
      await keys('{Escape}');
      expect(screen.getByRole('alert')).toHaveTextContent('What you changed is not saved.');
      await userEvent.type(screen.getByLabelText('Name'), 'y');
      expect(screen.queryByRole('alert')).toBeNull();
      await keys('{Escape}');
      expect(closed).not.toHaveBeenCalled();
      await keys('{Escape}');
      expect(closed).toHaveBeenCalledTimes(1);
      expect(form.saves).toBe(0);
    });

    test('is nothing: Escape closes', async () => {
      await keys('{Escape}');
      expect(closed).toHaveBeenCalledTimes(1);
    });

    test('stays while it is saved', async () => {
      await userEvent.type(screen.getByLabelText('Name'), 'x');
      await keys('{Enter}{Escape}{Escape}');
      expect(closed).not.toHaveBeenCalled();
      expect(screen.getByRole('status')).toHaveTextContent('Saving…');
    });

    test('keeps the focus in the form when the button can not have it any more', async () => {
      const save = screen.getByText('Save').closest('button')!;
      save.focus();
      save.blur();
      await act(async () => {
        form.set({ name: 'x' });
        await settle();
      });
      await until(
        () => document.activeElement === screen.getByLabelText('Name'),
        'the focus there'
      );
    });
  });
});

describe('a date', () => {
  test('gives the focus to its day when it is removed, and tells its zone', async () => {
    const Shown = () => {
      const [value, setValue] = useState({ day: '2026-12-01', time: '12:00' });
      return (
        <DateField
          label="Due"
          value={value}
          onChange={setValue}
          timeZone="Europe/Berlin"
          usualTime="23:59"
          hint="Late."
          trans={trans}
        />
      );
    };
    render(<Shown />);
    const day = screen.getByLabelText('Due: day');
    expect(day).toHaveAccessibleDescription('CET Late.');
    await userEvent.click(screen.getByLabelText('Due: remove the date'));
    expect(day).toHaveValue('');
    expect(day).toHaveFocus();
  });

  test('of numbers the unit is told', () => {
    render(<TextField label="Added" value="5" unit="minutes" hint="Each." onChange={jest.fn()} />);
    expect(screen.getByLabelText('Added')).toHaveAccessibleDescription('minutes Each.');
  });
});

test('all who move are shown without losing the focus', async () => {
  const times = { due: '2026-12-01T22:59:59Z', closes: null, ends: null };
  const moves = Array.from({ length: 101 }, (_, at): IMove => ({
    assignment: 1,
    student: `s${at}`,
    before: times,
    after: { ...times, due: null },
    effect: 'moves',
    text: ''
  }));
  const ask = jest.fn().mockResolvedValue({ notes: [], moves });
  const preview = new PreviewModel({ preview: ask } as unknown as AssignmentsApi, 'math', 0);
  render(<Moves preview={preview} timeZone="UTC" nameOf={name => name} trans={trans} />);
  const students = moves.map(each => each.student);
  await act(async () => {
    preview.ask({ extension: { onAssignment: 1, students, until: null } });
    await until(() => !preview.loading);
  });
  expect(ask).toHaveBeenCalledTimes(1);
  await userEvent.click(screen.getByText('Show all 101'));
  expect(screen.getAllByRole('row')).toHaveLength(102);
  expect(screen.getByRole('region', { name: 'From when to when' })).toHaveFocus();
  preview.dispose();
});

describe('of a class', () => {
  test('without assignments there is no deadline to look up', () => {
    const assignments = {
      overview: { students: 1, timeZone: 'UTC', assignments: [] },
      api: {},
      course: 'math',
      timeZone: 'UTC'
    } as unknown as AssignmentsModel;
    render(<WhyOf assignments={assignments} students={STUDENTS} first={{}} trans={trans} />);
    expect(screen.getByText('There is no deadline to explain.')).toBeInTheDocument();
    expect(screen.queryByText('Looking it up…')).toBeNull();
  });

  test('a factor may have any decimals', () => {
    const model = new SnapshotsModel({ api: new FakeServer().api });
    const assignments = new AssignmentsModel(model);
    jest.spyOn(assignments, 'course', 'get').mockReturnValue('math');
    const before = { id: null, timeFactor: 4 / 3, timeExtraMinutes: 0, dateExtraHours: 0 };
    const accommodation = new AccommodationForm(assignments, 'ada', before, trans);
    render(
      <AccommodationFields form={accommodation} timeZone="UTC" titleOf={String} trans={trans} />
    );
    expect(screen.getByLabelText('Time is multiplied by')).toBeValid();
    expect(screen.getByLabelText('Time is multiplied by')).toHaveAttribute('step', 'any');
    accommodation.dispose();
    assignments.dispose();
    model.dispose();
  });
});
