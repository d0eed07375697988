import { ServerClock } from '../clock';

describe('ServerClock', () => {
  let passed = 0;

  beforeEach(() => {
    passed = 0;
    jest.useFakeTimers({ now: new Date('2031-01-01T00:00:00Z') });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('should be the browser’s own until an answer told the time', () => {
    const clock = new ServerClock(() => passed);
    expect(clock.now().toISOString()).toBe('2031-01-01T00:00:00.000Z');
    clock.hear(null);
    clock.hear('no date');
    expect(clock.now().toISOString()).toBe('2031-01-01T00:00:00.000Z');
  });

  it('should go on from what was told, whatever is done to the browser’s', () => {
    const clock = new ServerClock(() => passed);
    clock.hear('Sun, 29 Nov 2026 12:00:00 GMT');
    passed += 90_000;
    jest.setSystemTime(new Date('2040-01-01T00:00:00Z'));
    expect(clock.now().toISOString()).toBe('2026-11-29T12:01:30.000Z');
    clock.hear('what is no date');
    expect(clock.now().toISOString()).toBe('2026-11-29T12:01:30.000Z');
    clock.hear('Sun, 29 Nov 2026 12:01:35 GMT');
    expect(clock.now().toISOString()).toBe('2026-11-29T12:01:35.000Z');
  });
});
