/** What stands on a clock of the course: fields for day and time, and what is sent for them. */

import { offsetMinutes, wallClock } from './zones';

/** Values of a field for a day and one for a time; empty where nothing was given. */
export interface IWallTime {
  /** `YYYY-MM-DD` */
  day: string;
  /** `HH:MM` */
  time: string;
}

/** What a clock change does to a time of a clock. */
export type ClockChange = 'skipped' | 'repeated';

export const NO_TIME: IWallTime = { day: '', time: '' };

/** The last minute of a day; it counts whole, so that what says 23:59 ends with the day. */
export const END_OF_DAY = '23:59';

/** The fields for an instant; its seconds are not shown. */
export function toWall(instant: string | null, timeZone: string): IWallTime {
  const [day, time] = wallClock(instant, timeZone).split('T');
  return day && time ? { day, time } : NO_TIME;
}

/**
 * What the service reads in the course's zone, `YYYY-MM-DD HH:MM`; null for no date.
 *
 * @param edge Which end of its minute is meant. At the end of a day the last minute counts whole:
 *   the service is given the bare day then.
 */
export function toSend(wall: IWallTime, edge: 'begin' | 'end'): string | null {
  if (!wall.day) {
    return null;
  }
  if (edge === 'end') {
    return !wall.time || wall.time === END_OF_DAY ? wall.day : `${wall.day} ${wall.time}`;
  }
  return `${wall.day} ${wall.time || '00:00'}`;
}

/**
 * The instant at which a clock of the zone shows this, of two the later one; a time that no clock
 * shows is read with the offset from before the change, as the service does. Null for no date.
 *
 * @param usual The time of a day that was given without one.
 */
export function toInstant(
  wall: IWallTime,
  timeZone: string,
  usual: string = END_OF_DAY
): string | null {
  const local = parse(wall, usual);
  if (local === null) {
    return null;
  }
  const found = candidates(local, timeZone);
  return new Date(Math.max(...found)).toISOString();
}

/** Whether a clock change makes the time not exist, or come twice; null for neither. */
export function clockChange(
  wall: IWallTime,
  timeZone: string,
  usual: string = END_OF_DAY
): ClockChange | null {
  const local = parse(wall, usual);
  if (local === null) {
    return null;
  }
  const [first, last] = candidates(local, timeZone);
  if (first === last) {
    return null;
  }
  return shown(first, timeZone) === local ? 'repeated' : 'skipped';
}

/** Milliseconds of the instants that the offsets of the days around it give, the earlier first. */
function candidates(local: number, timeZone: string): [number, number] {
  const day = 86_400_000;
  const found = [local - day, local + day].map(
    near => local - offsetMinutes(new Date(near).toISOString(), timeZone) * 60_000
  );
  const real = found.filter(each => shown(each, timeZone) === local);
  const kept = real.length ? real : found;
  return [Math.min(...kept), Math.max(...kept)];
}

/** What a clock of the zone shows at an instant, as if it was one of UTC. */
function shown(instant: number, timeZone: string): number {
  return instant + offsetMinutes(new Date(instant).toISOString(), timeZone) * 60_000;
}

function parse(wall: IWallTime, usual: string): number | null {
  const at = Date.parse(`${wall.day}T${wall.time || usual}Z`);
  return wall.day && !Number.isNaN(at) ? at : null;
}
