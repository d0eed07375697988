/** The dialog with what a student is given for every assignment of the course. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { AssignmentsModel } from '../assignments';
import type { IAccommodation, IAccommodationFields } from '../assignmentTokens';
import { displayName } from '../format';
import { FieldNote, TextField } from './fields';
import { FormModel, showForm } from './formDialog';
import { Moves } from './moves';
import { PreviewModel } from './preview';

/** What the fields hold. */
export interface IAccommodationInput {
  factor: string;
  minutes: string;
  hours: string;
}

/** What is filled in, who moves, and how it is saved. */
export class AccommodationForm extends FormModel {
  constructor(
    private readonly _assignments: AssignmentsModel,
    readonly student: string,
    private readonly _before: IAccommodation,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this._course = _assignments.course;
    this.input = {
      factor: String(_before.timeFactor),
      minutes: String(_before.timeExtraMinutes),
      hours: String(_before.dateExtraHours)
    };
    this.preview = new PreviewModel(_assignments.api, this._course);
    this.preview.stateChanged.connect(() => this.stateChanged.emit(), this);
  }

  readonly preview: PreviewModel;
  input: IAccommodationInput;

  get waiting(): boolean {
    return this.preview.loading;
  }

  get isChanged(): boolean {
    return Object.keys(this.fields).length > 0;
  }

  get isComplete(): boolean {
    return Object.values(this.problems).every(each => each === null);
  }

  /** What is wrong, by field. */
  get problems(): { [field in keyof IAccommodationInput]: string | null } {
    const { factor, minutes, hours } = this.input;
    const trans = this._trans;
    const whole = trans.__('A whole number, 0 or more.');
    const value = Number(factor);
    return {
      factor:
        factor.trim() && value > 0 && value <= 100
          ? null
          : trans.__('A number more than 0, such as 1.5.'),
      minutes: isWhole(minutes) ? null : whole,
      hours: isWhole(hours) ? null : whole
    };
  }

  /** What differs from before. */
  get fields(): IAccommodationFields {
    const { factor, minutes, hours } = this.input;
    const wanted = {
      timeFactor: Number(factor),
      timeExtraMinutes: Number(minutes),
      dateExtraHours: Number(hours)
    };
    const keys = Object.keys(wanted) as (keyof typeof wanted)[];
    return Object.fromEntries(
      keys.filter(key => wanted[key] !== this._before[key]).map(key => [key, wanted[key]])
    );
  }

  set(change: Partial<IAccommodationInput>): void {
    this.input = { ...this.input, ...change };
    this.stateChanged.emit();
    const { fields } = this;
    const student = this._assignments.api.refOf(this._course, this.student);
    const isAsked = this.isComplete && Object.keys(fields).length > 0;
    this.preview.ask(isAsked ? { accommodation: { student, ...fields } } : null);
  }

  dispose(): void {
    this.preview.dispose();
    super.dispose();
  }

  protected async save(): Promise<boolean> {
    const { fields } = this;
    if (Object.keys(fields).length) {
      await this._assignments.api.accommodate(this._course, this.student, fields);
      void this._assignments.refresh();
    }
    return true;
  }

  private readonly _course: string;
}

/** Asks what a student is given, and saves it. Resolves to whether it was saved. */
export async function accommodate(
  assignments: AssignmentsModel,
  student: string,
  trans: TranslationBundle
): Promise<boolean> {
  const before = await assignments.api.accommodation(assignments.course, student);
  const form = new AccommodationForm(assignments, student, before, trans);
  const row = assignments.snapshots.students?.find(each => each.username === student);
  const name = row ? displayName(row) : student;
  return showForm({
    title: trans.__('Accommodation of %1', name),
    form,
    render: () => (
      <AccommodationFields
        form={form}
        timeZone={assignments.timeZone}
        titleOf={id => assignments.find(id)?.title ?? String(id)}
        trans={trans}
      />
    ),
    accept: trans.__('Save'),
    trans
  });
}

interface IFieldsProps {
  form: AccommodationForm;
  timeZone: string;
  titleOf: (assignment: number) => string;
  trans: TranslationBundle;
}

/** All fields of the form; whoever draws it follows the form. */
export function AccommodationFields(props: IFieldsProps): JSX.Element {
  const { form, timeZone, titleOf, trans } = props;
  const { input, problems } = form;
  return (
    <>
      <p>{trans.__('This holds for every assignment of the course, those to come included.')}</p>
      <TextField
        label={trans.__('More time for every due date')}
        type="number"
        min={0}
        step={1}
        value={input.hours}
        unit={trans.__('hours')}
        problem={problems.hours}
        onChange={hours => form.set({ hours })}
        className="jp-mod-short"
      />
      <fieldset className="jp-SnapshotsForm-group">
        <legend>{trans.__('Timed assignments')}</legend>
        <div className="jp-SnapshotsForm-pair">
          <TextField
            label={trans.__('Time is multiplied by')}
            type="number"
            min={0}
            step="any"
            value={input.factor}
            problem={problems.factor}
            onChange={factor => form.set({ factor })}
            className="jp-mod-short"
          />
          <TextField
            label={trans.__('Added to it')}
            type="number"
            min={0}
            step={1}
            value={input.minutes}
            unit={trans.__('minutes')}
            problem={problems.minutes}
            onChange={minutes => form.set({ minutes })}
            className="jp-mod-short"
          />
        </div>
        <FieldNote
          id="jp-SnapshotsForm-example"
          hint={
            form.isComplete
              ? trans.__(
                  '60 minutes become %1.',
                  Math.floor(60 * Number(input.factor)) + Number(input.minutes)
                )
              : null
          }
        />
      </fieldset>
      <Moves preview={form.preview} timeZone={timeZone} titleOf={titleOf} trans={trans} />
    </>
  );
}

function isWhole(text: string): boolean {
  return /^\d{1,6}$/.test(text);
}
