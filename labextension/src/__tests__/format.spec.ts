import { nullTranslator } from '@jupyterlab/translation';
import {
  age,
  byName,
  displayName,
  localDay,
  localTime,
  size,
  slugify,
  snapshotName,
  withoutDate
} from '../format';
import { student } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const NOON = new Date('2026-03-01T12:00:00Z');

// The same table as the service's own, tests/core/test_names.py: what the dialog promises is
// what the service makes of it.
test.each([
  ['Exam 1', 'exam-1'],
  ['exam-1', 'exam-1'],
  ['EXAM.1', 'exam1'],
  ['  PS 1 -- final  ', 'ps-1-final'],
  ['Übung ﬁne ①', 'ubung-fine-1'],
  ['snake_case', 'snake_case'],
  ['-_x_-', 'x'],
  ['a\t\n b', 'a-b'],
  ['../../etc/passwd', 'etcpasswd'],
  ['a/b', 'ab'],
  ['作业', ''],
  ['🙂', ''],
  ['', ''],
  ['---', ''],
  // Where the two languages differ: what is a space.
  ['a\u001cb', 'a-b'],
  ['a\u00a0b', 'a-b'],
  ['a\u0085b', 'ab'],
  ['a\ufeffb', 'ab']
])('the slug of %j is %j', (text, slug) => {
  expect(slugify(text)).toBe(slug);
});

test.each(['', ' ', '\t', '作业', '🙂', '...', '\0'])('nothing is left of %j', text => {
  expect(snapshotName(text, 'UTC', NOON)).toEqual({ problem: 'empty' });
});

test.each(['x'.repeat(220), 'x'.repeat(5000)])('a name may be too long', text => {
  expect(snapshotName(text, 'UTC', NOON)).toEqual({ problem: 'too_long' });
});

test('the longest name is the service’s', () => {
  expect(snapshotName('x'.repeat(219), 'UTC', NOON)).toHaveProperty('name');
});

test('a name ends in the day of the course, not of the browser', () => {
  const late = new Date('2026-03-01T23:30:00Z');
  expect(snapshotName('Week 1', 'UTC', late)).toEqual({ name: 'week-1_2026-03-01' });
  expect(snapshotName('Week 1', 'Europe/Berlin', late)).toEqual({ name: 'week-1_2026-03-02' });
  expect(snapshotName('Week 1', 'America/Vancouver', late)).toEqual({
    name: 'week-1_2026-03-01'
  });
});

test('a time zone the browser does not know counts as UTC', () => {
  expect(localDay('Mars/Olympus', NOON)).toBe('2026-03-01');
});

test.each([
  ['2026-03-01T11:59:30Z', 'just now'],
  ['2026-03-01T12:00:05Z', 'just now'], // a server whose clock is ahead
  ['2026-03-01T11:58:00Z', '2 minutes ago'],
  ['2026-03-01T10:00:00Z', '2 hours ago'],
  ['2026-02-28T11:00:00Z', 'yesterday'],
  ['2026-02-20T11:00:00Z', 'last week'],
  ['2025-11-01T11:00:00Z', '4 months ago'],
  [null, 'at an unknown time']
])('the age of %s is %s', (instant, text) => {
  expect(age(instant, trans, NOON)).toBe(text);
});

test('a local time is that of the zone, with its name', () => {
  expect(localTime('2026-03-01T23:30:05Z', 'Europe/Berlin')).toMatch(
    /Mon, Mar 2, 2026.*12:30:05.*(GMT\+1|CET)/
  );
  expect(localTime(null, 'UTC')).toBe('');
});

test.each([
  [null, ''],
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [120 * 1024 * 1024, '120 MB'],
  [5 * 1024 ** 4, '5 TB'],
  [5000 * 1024 ** 4, '5,000 TB']
])('%s bytes are %j', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test('an assignment is the snapshot’s name without its date', () => {
  expect(withoutDate('problem-set-1_2026-10-05')).toBe('problem-set-1');
  expect(withoutDate('old')).toBe('old');
  expect(withoutDate('_2026-10-05')).toBe('_2026-10-05');
});

test('people are called by their names, or by their username', () => {
  expect(displayName(student('ada', { firstName: 'Ada', lastName: 'Lovelace' }))).toBe(
    'Ada Lovelace'
  );
  expect(displayName(student('ada'))).toBe('ada');
});

test('numbers in names are compared as numbers', () => {
  expect(['week-10', 'Week-2', 'week-1'].sort(byName)).toEqual(['week-1', 'Week-2', 'week-10']);
});
