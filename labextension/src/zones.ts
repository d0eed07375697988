/** Dates in the time zone of a course, always with the zone's name, and how far off they are. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { formatter, language } from './format';

/** What stands for a zone that is known by its distance from UTC alone. */
const DISTANCE = /^(GMT|UTC)[+\u2212-]/;
/** Each knows the abbreviations of other zones: "CET" is British, "EST" American. */
const ENGLISH = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA', 'en-IE'];

const DAY: Intl.DateTimeFormatOptions = {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric'
};
const MINUTE: Intl.DateTimeFormatOptions = {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23'
};

/** The zone of the browser. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** An instant as people of the zone say it: "Tue 1 Dec 2026, 23:59 CET"; empty for none. */
export function zoneTime(
  instant: string | null,
  timeZone: string,
  options: { seconds?: boolean } = {}
): string {
  const at = read(instant);
  if (!at) {
    return '';
  }
  const clock = options.seconds ? { ...MINUTE, second: '2-digit' as const } : MINUTE;
  const time = formatter(timeZone, clock, language()).format(at);
  return `${day(at, timeZone)}, ${time} ${nameAt(at, timeZone)}`;
}

/** The day of an instant in the zone: "Tue 1 Dec 2026"; empty for none. */
export function zoneDay(instant: string | null, timeZone: string): string {
  const at = read(instant);
  return at ? day(at, timeZone) : '';
}

/** What the zone is called at the instant: "CET" in winter, "CEST" in summer, else "GMT+9". */
export function zoneName(instant: string | null, timeZone: string): string {
  return nameAt(read(instant) ?? new Date(), timeZone);
}

/** An instant as a field for date and time takes it, `2026-12-01T23:59`; empty for none. */
export function wallClock(instant: string | null, timeZone: string): string {
  const at = read(instant);
  if (!at) {
    return '';
  }
  const found = numbers(at, timeZone);
  return `${found.year}-${found.month}-${found.day}T${found.hour}:${found.minute}`;
}

/** How far clocks in the zone are ahead of UTC at the instant, in minutes. */
export function offsetMinutes(instant: string, timeZone: string): number {
  const at = read(instant) ?? new Date(0);
  const found = numbers(at, timeZone);
  const wall = Date.parse(
    `${found.year}-${found.month}-${found.day}T${found.hour}:${found.minute}:${found.second}Z`
  );
  return Math.round((wall - Math.floor(at.getTime() / 1000) * 1000) / 60_000);
}

/** The instant in the browser's zone; null when clocks there show the same as in the course's. */
export function elsewhere(
  instant: string | null,
  timeZone: string,
  local: string = localZone()
): string | null {
  const at = read(instant);
  if (!at || offsetMinutes(at.toISOString(), timeZone) === offsetMinutes(at.toISOString(), local)) {
    return null;
  }
  return zoneTime(instant, local);
}

/** At least two of a unit, so that none is rounded by much. */
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60]
];

/** How far off an instant is: "in 2 days", "5 hours ago"; empty for none. */
export function relativeTime(
  instant: string | null,
  trans: TranslationBundle,
  now: Date = new Date()
): string {
  const at = read(instant);
  if (!at) {
    return '';
  }
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) {
    return seconds > 0 ? trans.__('in less than a minute') : trans.__('just now');
  }
  const [unit, length] = UNITS.find(([, each]) => size >= 2 * each) ?? (['minute', 60] as const);
  const format = new Intl.RelativeTimeFormat(language(), { numeric: 'always' });
  return format.format(Math.trunc(seconds / length), unit);
}

/** Null for nothing, and for what is no date. */
function read(instant: string | null): Date | null {
  const at = instant ? new Date(instant) : null;
  return at && !Number.isNaN(at.getTime()) ? at : null;
}

function day(at: Date, timeZone: string): string {
  const locale = language();
  if (!/^en\b/i.test(locale)) {
    return formatter(timeZone, DAY, locale).format(at);
  }
  // Put together here: Americans and Britons would each read the other's order wrongly.
  const found = partsOf(formatter(timeZone, DAY, 'en-US'), at);
  return `${found.weekday} ${found.day} ${found.month} ${found.year}`;
}

function nameAt(at: Date, timeZone: string): string {
  const own = language();
  let name = '';
  for (const locale of /^en\b/i.test(own) ? ENGLISH : [own, ...ENGLISH]) {
    const zoned = formatter(timeZone, { timeZoneName: 'short' }, locale);
    const found = partsOf(zoned, at).timeZoneName ?? '';
    if (found && !DISTANCE.test(found)) {
      return found;
    }
    name ||= found;
  }
  return name || timeZone;
}

function numbers(at: Date, timeZone: string) {
  const two = '2-digit' as const;
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
    hourCycle: 'h23'
  };
  return partsOf(formatter(timeZone, options, 'en-US'), at);
}

function partsOf(format: Intl.DateTimeFormat, at: Date): { [type: string]: string | undefined } {
  return Object.fromEntries(format.formatToParts(at).map(part => [part.type, part.value]));
}
