import { nullTranslator } from '@jupyterlab/translation';
import { ServerClock } from '../clock';
import { clockText, Countdown, momentOf, spokenTime } from '../countdown';

const trans = nullTranslator.load('jupyterhub_snapshots');

describe('Countdown', () => {
  it('should go by the time that has passed, to the end and no further', () => {
    let passed = 5000;
    const countdown = new Countdown(90, 5000, () => passed);
    expect(countdown.left).toBe(90);
    passed += 30_400;
    expect(countdown.left).toBe(60);
    passed += 59_500;
    expect(countdown.left).toBe(1);
    passed += 100_000;
    expect(countdown.left).toBe(0);
  });

  it.each([
    [601, null],
    [600, 10],
    [301, 10],
    [300, 5],
    [60, 1],
    [1, 1],
    [0, 0]
  ])('should be at a moment with %s seconds left: %s', (seconds, moment) => {
    expect(momentOf(seconds)).toBe(moment);
  });

  it('should be shown as on a clock, and said in words', () => {
    expect(clockText(5400)).toBe('1:30:00');
    expect(clockText(309)).toBe('5:09');
    expect(clockText(0)).toBe('0:00');
    expect(spokenTime(5400, trans)).toBe('1 hour 30 minutes');
    expect(spokenTime(7200, trans)).toBe('2 hours');
    expect(spokenTime(60, trans)).toBe('1 minute');
    expect(spokenTime(59, trans)).toBe('less than a minute');
  });
});

describe('ServerClock', () => {
  it('should show the time of the server, whatever the browser has', () => {
    let passed = 0;
    const clock = new ServerClock(() => passed);
    clock.hear('Tue, 01 Dec 2026 12:00:00 GMT');
    passed = 90_000;
    expect(clock.now().toISOString()).toBe('2026-12-01T12:01:30.000Z');
    clock.hear(null);
    clock.hear('nonsense');
    expect(clock.now().toISOString()).toBe('2026-12-01T12:01:30.000Z');
  });

  it('should show that of the browser before any answer', () => {
    const before = Date.now();
    expect(new ServerClock().now().getTime()).toBeGreaterThanOrEqual(before);
  });
});
