import { nullTranslator } from '@jupyterlab/translation';
import {
  elsewhere,
  offsetMinutes,
  relativeTime,
  wallClock,
  zoneDay,
  zoneName,
  zoneTime
} from '../zones';

const trans = nullTranslator.load('jupyterhub_snapshots');

describe('zoneTime', () => {
  it.each([
    ['2026-12-01T22:59:59Z', 'Europe/Berlin', 'Tue 1 Dec 2026, 23:59 CET'],
    ['2026-07-01T21:59:00Z', 'Europe/Berlin', 'Wed 1 Jul 2026, 23:59 CEST'],
    ['2026-12-02T04:59:00Z', 'America/New_York', 'Tue 1 Dec 2026, 23:59 EST'],
    ['2026-12-01T12:59:00Z', 'Australia/Sydney', 'Tue 1 Dec 2026, 23:59 AEDT'],
    ['2026-12-01T18:29:00Z', 'Asia/Kolkata', 'Tue 1 Dec 2026, 23:59 IST'],
    ['2026-12-01T14:59:00Z', 'Asia/Tokyo', 'Tue 1 Dec 2026, 23:59 GMT+9'],
    ['2026-12-01T23:59:00Z', 'Europe/London', 'Tue 1 Dec 2026, 23:59 GMT'],
    ['2026-12-02T00:00:00Z', 'UTC', 'Wed 2 Dec 2026, 00:00 UTC'],
    ['2026-12-02T00:00:00Z', 'Nowhere/At_All', 'Wed 2 Dec 2026, 00:00 UTC'],
    ['2026-12-01T23:00:00+01:00', 'UTC', 'Tue 1 Dec 2026, 22:00 UTC']
  ])('should say %s in %s as %s', (instant, zone, text) => {
    expect(zoneTime(instant, zone)).toBe(text);
  });

  it('should tell the two hours of a clock change apart', () => {
    expect(zoneTime('2026-10-25T00:30:00Z', 'Europe/Berlin')).toBe('Sun 25 Oct 2026, 02:30 CEST');
    expect(zoneTime('2026-10-25T01:30:00Z', 'Europe/Berlin')).toBe('Sun 25 Oct 2026, 02:30 CET');
    expect(zoneTime('2026-11-01T05:30:00Z', 'America/New_York')).toBe('Sun 1 Nov 2026, 01:30 EDT');
    expect(zoneTime('2026-11-01T06:30:00Z', 'America/New_York')).toBe('Sun 1 Nov 2026, 01:30 EST');
  });

  it('should leap over the hour that is not there', () => {
    expect(zoneTime('2026-03-29T00:59:59Z', 'Europe/Berlin')).toBe('Sun 29 Mar 2026, 01:59 CET');
    expect(zoneTime('2026-03-29T01:00:00Z', 'Europe/Berlin')).toBe('Sun 29 Mar 2026, 03:00 CEST');
  });

  it('should show seconds where they matter', () => {
    const options = { seconds: true };
    expect(zoneTime('2026-12-01T22:59:59Z', 'Europe/Berlin', options)).toBe(
      'Tue 1 Dec 2026, 23:59:59 CET'
    );
  });

  it('should be empty for no instant and for what is none', () => {
    expect(zoneTime(null, 'UTC')).toBe('');
    expect(zoneTime('soon', 'UTC')).toBe('');
    expect(zoneDay(null, 'UTC')).toBe('');
    expect(wallClock(null, 'UTC')).toBe('');
  });

  it('should follow the language of the page', () => {
    document.documentElement.lang = 'de';
    try {
      expect(zoneTime('2026-12-01T22:59:00Z', 'Europe/Berlin')).toMatch(
        /^Di.* 1\. Dez.* 2026, 23:59 MEZ$/
      );
    } finally {
      document.documentElement.lang = '';
    }
  });
});

describe('the clock of a zone', () => {
  it('should fill a field', () => {
    expect(wallClock('2026-12-01T23:05:00Z', 'Europe/Berlin')).toBe('2026-12-02T00:05');
    expect(zoneDay('2026-12-01T23:05:00Z', 'Europe/Berlin')).toBe('Wed 2 Dec 2026');
  });

  it.each([
    ['Europe/Berlin', 60, 120],
    ['America/New_York', -300, -240],
    ['Asia/Kolkata', 330, 330],
    ['Asia/Kathmandu', 345, 345],
    ['Australia/Lord_Howe', 660, 630],
    ['UTC', 0, 0]
  ])('should be ahead of UTC in %s by %s and %s minutes', (zone, winter, summer) => {
    expect(offsetMinutes('2026-12-01T12:00:00.750Z', zone)).toBe(winter);
    expect(offsetMinutes('2026-07-01T12:00:00Z', zone)).toBe(summer);
  });

  it('should have a name now, too', () => {
    expect(zoneName(null, 'UTC')).toBe('UTC');
  });
});

describe('elsewhere', () => {
  const noon = '2026-12-01T12:00:00Z';
  it('should be told only where clocks show something else', () => {
    expect(elsewhere(noon, 'Europe/Berlin', 'Europe/Paris')).toBeNull();
    expect(elsewhere(noon, 'Europe/Berlin', 'Asia/Tokyo')).toBe('Tue 1 Dec 2026, 21:00 GMT+9');
    expect(elsewhere(null, 'Europe/Berlin', 'Asia/Tokyo')).toBeNull();
  });

  it('should be told in those weeks alone in which the clocks differ', () => {
    // London and Lisbon always agree; Phoenix and Denver only in winter.
    expect(elsewhere('2026-07-01T12:00:00Z', 'Europe/London', 'Europe/Lisbon')).toBeNull();
    expect(elsewhere(noon, 'America/Denver', 'America/Phoenix')).toBeNull();
    expect(elsewhere('2026-07-01T12:00:00Z', 'America/Denver', 'America/Phoenix')).toBe(
      'Wed 1 Jul 2026, 05:00 MST'
    );
  });
});

describe('relativeTime', () => {
  const now = new Date('2026-12-01T12:00:00Z');
  it.each([
    ['2026-12-03T12:00:00Z', 'in 2 days'],
    ['2026-12-03T11:59:00Z', 'in 47 hours'],
    ['2026-12-01T13:59:00Z', 'in 119 minutes'],
    ['2026-12-01T12:01:30Z', 'in 1 minute'],
    ['2026-12-01T12:00:30Z', 'in less than a minute'],
    ['2026-12-01T11:59:30Z', 'just now'],
    ['2026-12-01T09:30:00Z', '2 hours ago'],
    ['2026-11-24T12:00:00Z', '7 days ago']
  ])('should say %s as %s', (instant, text) => {
    expect(relativeTime(instant, trans, now)).toBe(text);
  });

  it('should be empty for none', () => {
    expect(relativeTime(null, trans, now)).toBe('');
  });
});
