/** What a person reads: names, ages, local times, sizes. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IStudentRow } from './tokens';

/** Longest snapshot name in bytes, as the service has it. */
const MAX_NAME = 230;
const MAX_TEXT = 4096;

// What Python's `\s` is among the characters of ASCII; JavaScript's own is a little different.
const SPACE = ' \\t\\n\\r\\f\\v\\u001c-\\u001f';
const NOT_KEPT = new RegExp(`[^a-z0-9_${SPACE}-]`, 'g');
const RUNS = new RegExp(`[-${SPACE}]+`, 'g');

/** The part of a snapshot's name that comes from a person's words; empty when nothing is left. */
export function slugify(text: string): string {
  const ascii = Array.from(text.normalize('NFKD'))
    .filter(character => character.charCodeAt(0) < 128)
    .join('');
  return ascii
    .toLowerCase()
    .replace(NOT_KEPT, '')
    .replace(RUNS, '-')
    .replace(/^[-_]+|[-_]+$/g, '');
}

/** The day in a time zone as `YYYY-MM-DD`; of UTC when the browser does not know the zone. */
export function localDay(timeZone: string, now: Date = new Date()): string {
  const parts = formatter(timeZone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  const found = new Map(parts.formatToParts(now).map(part => [part.type, part.value]));
  return `${found.get('year')}-${found.get('month')}-${found.get('day')}`;
}

/** What the service will call a snapshot, or why it will refuse the name. */
export type NamePreview = { name: string } | { problem: 'empty' | 'too_long' };

/** `<slug>_<YYYY-MM-DD>`, by the same rule as the service; the day is the course's. */
export function snapshotName(text: string, timeZone: string, now: Date = new Date()): NamePreview {
  if (Array.from(text).length > MAX_TEXT) {
    return { problem: 'too_long' };
  }
  const slug = slugify(text);
  if (!slug) {
    return { problem: 'empty' };
  }
  const name = `${slug}_${localDay(timeZone, now)}`;
  return name.length > MAX_NAME ? { problem: 'too_long' } : { name };
}

/** The slug of a snapshot's name, without its date: what an assignment is called. */
export function withoutDate(name: string): string {
  return name.replace(/_\d{4}-\d{2}-\d{2}$/, '') || name;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86400],
  ['month', 30 * 86400],
  ['week', 7 * 86400],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60]
];

/** How long ago, in the language of the page: "2 hours ago", "yesterday". */
export function age(
  instant: string | null,
  trans: TranslationBundle,
  now: Date = new Date()
): string {
  if (!instant) {
    return trans.__('at an unknown time');
  }
  // A clock of the server that is ahead must not make a snapshot of the future.
  const seconds = Math.max(0, (now.getTime() - Date.parse(instant)) / 1000);
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? ['second', 1];
  if (unit === 'second') {
    return trans.__('just now');
  }
  const locale = language();
  const relative =
    relatives.get(locale) ?? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  relatives.set(locale, relative);
  return relative.format(-Math.floor(seconds / length), unit);
}

/** Full local time in a zone, with the zone's name; empty for an unknown time. */
export function localTime(instant: string | null, timeZone: string): string {
  if (!instant) {
    return '';
  }
  const options: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short'
  };
  return formatter(timeZone, options, language()).format(new Date(instant));
}

/** Day and minute in a zone, short enough for a narrow row. */
export function shortTime(instant: string | null, timeZone: string): string {
  if (!instant) {
    return '';
  }
  const options: Intl.DateTimeFormatOptions = {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit'
  };
  return formatter(timeZone, options, language()).format(new Date(instant));
}

/** A size as JupyterLab's file browser shows it: "1.2 MB"; empty when unknown. */
export function size(bytes: number | null): string {
  if (bytes === null) {
    return '';
  }
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const text = new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
  return `${text} ${units[unit]}`;
}

/** A student as a person says it, or the username where no name is known. */
export function displayName(student: IStudentRow): string {
  return `${student.firstName} ${student.lastName}`.trim() || student.username;
}

/** Sorts names as people do: `week-2` before `week-10`, without regard to case. */
export const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare;

/** The language of the page. */
export function language(): string {
  return (typeof document !== 'undefined' && document.documentElement.lang) || 'en';
}

const formatters = new Map<string, Intl.DateTimeFormat>();
const relatives = new Map<string, Intl.RelativeTimeFormat>();

/** Formatters are kept: making one takes longer than a row of a list may. */
export function formatter(
  timeZone: string,
  options: Intl.DateTimeFormatOptions,
  locale = 'en-CA'
): Intl.DateTimeFormat {
  const key = JSON.stringify([locale, timeZone, options]);
  let found = formatters.get(key);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat(locale, { ...options, timeZone });
    } catch {
      found = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
    }
    formatters.set(key, found);
  }
  return found;
}
