/** Fields of forms: a line of text, and a date in the course's zone. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import React, { useId, useRef } from 'react';
import { clockChange, toInstant } from '../wallTime';
import type { IWallTime } from '../wallTime';
import { zoneName, zoneTime } from '../zones';

export interface IFieldProps {
  label: string;
  /** What is wrong, in words. */
  problem?: string | null;
  /** What one should know. */
  hint?: string | null;
}

export interface ITextFieldProps extends IFieldProps {
  value: string;
  onChange: (value: string) => void;
  type?: 'text' | 'password' | 'number';
  placeholder?: string;
  /** What the number is of. */
  unit?: string;
  min?: number;
  step?: number | 'any';
  lines?: number;
  className?: string;
}

/** A field with its name above it. */
export function TextField(props: ITextFieldProps): JSX.Element {
  const { label, value, onChange, type = 'text', placeholder, unit, min, step, lines } = props;
  const id = useId();
  const shared = {
    id,
    value,
    placeholder,
    className: 'jp-mod-styled',
    'aria-invalid': props.problem ? true : undefined,
    'aria-describedby': unit ? `${id}-unit ${id}-note` : `${id}-note`,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      onChange(event.target.value)
  };
  return (
    <div className={`jp-SnapshotsField ${props.className ?? ''}`}>
      <label htmlFor={id}>{label}</label>
      <div className="jp-SnapshotsField-line">
        {lines ? (
          <textarea {...shared} rows={lines} />
        ) : (
          <input
            {...shared}
            type={type}
            min={min}
            step={step}
            autoComplete={type === 'password' ? 'new-password' : 'off'}
          />
        )}
        {unit && (
          <span id={`${id}-unit`} className="jp-SnapshotsField-unit">
            {unit}
          </span>
        )}
      </div>
      <FieldNote id={`${id}-note`} {...props} />
    </div>
  );
}

/** What is wrong with a field, or else what one should know of it. */
export function FieldNote(props: { id: string } & Pick<IFieldProps, 'problem' | 'hint'>) {
  const { id, problem, hint } = props;
  return (
    <div id={id} className={`jp-SnapshotsField-note${problem ? ' jp-mod-wrong' : ''}`}>
      {problem ?? hint}
    </div>
  );
}

export interface IDateFieldProps extends IFieldProps {
  value: IWallTime;
  onChange: (value: IWallTime) => void;
  timeZone: string;
  /** The time that a day gets when it is chosen. */
  usualTime: string;
  trans: TranslationBundle;
  disabled?: boolean;
}

/** A day and a time on the course's clocks, with the name of the zone at that time. */
export function DateField(props: IDateFieldProps): JSX.Element {
  const { label, value, onChange, timeZone, usualTime, trans, disabled } = props;
  const id = useId();
  const day = useRef<HTMLInputElement>(null);
  const instant = toInstant(value, timeZone, usualTime);
  const shared = {
    className: 'jp-mod-styled',
    disabled,
    'aria-invalid': props.problem ? true : undefined,
    'aria-describedby': `${id}-zone ${id}-note`
  };
  return (
    <div className="jp-SnapshotsField" role="group" aria-labelledby={`${id}-label`}>
      <span id={`${id}-label`} className="jp-SnapshotsField-label">
        {label}
      </span>
      <div className="jp-SnapshotsField-line">
        <input
          {...shared}
          ref={day}
          type="date"
          aria-label={trans.__('%1: day', label)}
          value={value.day}
          max="9999-12-31"
          onChange={event => {
            const chosen = event.target.value;
            onChange({ day: chosen, time: value.time || (chosen ? usualTime : '') });
          }}
        />
        <input
          {...shared}
          type="time"
          aria-label={trans.__('%1: time', label)}
          value={value.time}
          onChange={event => onChange({ ...value, time: event.target.value })}
        />
        <span id={`${id}-zone`} className="jp-SnapshotsField-unit" title={timeZone}>
          {zoneName(instant, timeZone)}
        </span>
        {(value.day || value.time) && !disabled && (
          <button
            type="button"
            className="jp-SnapshotsTree-button"
            title={trans.__('Remove the date')}
            aria-label={trans.__('%1: remove the date', label)}
            onClick={() => {
              // The button goes with the date: the focus must not be lost with it.
              day.current?.focus();
              onChange({ day: '', time: '' });
            }}
          >
            <closeIcon.react tag="span" />
          </button>
        )}
      </div>
      <FieldNote
        id={`${id}-note`}
        problem={props.problem}
        hint={clockNote(value, timeZone, trans, usualTime) ?? props.hint}
      />
    </div>
  );
}

/** How a time is read at which the clocks change; null at all others. */
export function clockNote(
  value: IWallTime,
  timeZone: string,
  trans: TranslationBundle,
  usual?: string
): string | null {
  const change = clockChange(value, timeZone, usual);
  const read = zoneTime(toInstant(value, timeZone, usual), timeZone);
  if (change === null) {
    return null;
  }
  return change === 'repeated'
    ? trans.__(
        'The clocks are put back then: this time comes twice. The later one is meant: %1.',
        read
      )
    : trans.__('The clocks are put forward then: this time does not exist. Read as %1.', read);
}
