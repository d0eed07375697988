import { clockChange, toInstant, toSend, toWall } from '../wallTime';

const at = (text: string) => ({ day: text.slice(0, 10), time: text.slice(11) });

describe('what is sent', () => {
  test.each([
    ['2026-12-01 18:00', 'end', '2026-12-01 18:00'],
    // The last minute of a day counts whole.
    ['2026-12-01 23:59', 'end', '2026-12-01'],
    ['2026-12-01', 'end', '2026-12-01'],
    ['2026-12-01', 'begin', '2026-12-01 00:00'],
    ['2026-12-01 23:59', 'begin', '2026-12-01 23:59'],
    ['', 'end', null]
  ] as const)('of %j at its %s is %j', (text, edge, sent) => {
    expect(toSend(at(text), edge)).toBe(sent);
  });
});

describe('fields and instants', () => {
  test('a day without a time is its end, or what is usual', () => {
    const day = { day: '2026-12-01', time: '' };
    expect(toInstant(day, 'Europe/Berlin')).toBe('2026-12-01T22:59:00.000Z');
    expect(toInstant(day, 'Europe/Berlin', '00:00')).toBe('2026-11-30T23:00:00.000Z');
  });

  test.each([
    ['Europe/Berlin', '2026-12-01 23:59', '2026-12-01T22:59:00.000Z'],
    ['Europe/Berlin', '2026-07-01 12:00', '2026-07-01T10:00:00.000Z'],
    ['America/New_York', '2026-12-01 23:59', '2026-12-02T04:59:00.000Z'],
    ['Asia/Kolkata', '2026-12-01 00:00', '2026-11-30T18:30:00.000Z'],
    ['Pacific/Kiritimati', '2026-12-01 00:00', '2026-11-30T10:00:00.000Z'],
    ['America/St_Johns', '2026-03-07 23:59', '2026-03-08T03:29:00.000Z']
  ])('in %s, %s is %s', (zone, text, instant) => {
    expect(toInstant(at(text), zone)).toBe(instant);
    expect(toWall(instant, zone)).toEqual(at(text));
    expect(clockChange(at(text), zone)).toBeNull();
  });

  test.each([
    // Forward: 02:30 does not exist. Back: it comes twice. The later reading in each case.
    ['Europe/Berlin', '2026-03-29 02:30', 'skipped', '2026-03-29T01:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25 02:30', 'repeated', '2026-10-25T01:30:00.000Z'],
    ['America/New_York', '2026-03-08 02:30', 'skipped', '2026-03-08T07:30:00.000Z'],
    ['America/New_York', '2026-11-01 01:30', 'repeated', '2026-11-01T06:30:00.000Z'],
    // By half an hour.
    ['Australia/Lord_Howe', '2026-10-04 02:15', 'skipped', '2026-10-03T15:45:00.000Z']
  ])('in %s, %s is %s', (zone, text, change, instant) => {
    expect(clockChange(at(text), zone)).toBe(change);
    expect(toInstant(at(text), zone)).toBe(instant);
  });

  test('nothing given, and what is no date', () => {
    expect(toWall(null, 'UTC')).toEqual({ day: '', time: '' });
    expect(toInstant({ day: '', time: '10:00' }, 'UTC')).toBeNull();
    expect(clockChange({ day: '', time: '10:00' }, 'UTC')).toBeNull();
  });
});
