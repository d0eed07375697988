/** Where an own assignment stands, in words, and in which order they are listed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { byName } from '../../format';
import type { IOwnAssignment } from '../../ownTokens';

/** A chip and what it means. */
export interface IStanding {
  label: string;
  explanation: string;
  /** Colour of the chip, as for snapshots. */
  colour: 'complete' | 'incomplete' | 'failed' | 'running' | 'none';
}

/** The instant that a student looks at: the end of the own time, or else the due date. */
export function countsAt(assignment: IOwnAssignment): string | null {
  return assignment.ends ?? assignment.due;
}

/** Whether nothing is left to be done. */
export function isOver({ excused, state }: IOwnAssignment): boolean {
  return excused || state === 'closed' || state === 'captured';
}

export function standing(
  assignment: IOwnAssignment,
  now: Date,
  trans: TranslationBundle
): IStanding {
  const { closes, due, ends, excused, opened, snapshot, state } = assignment;
  if (excused) {
    return {
      label: trans.__('excused'),
      explanation: trans.__('Nothing is asked of you here, and nothing is captured.'),
      colour: 'none'
    };
  }
  if (snapshot && isOver(assignment)) {
    return snapshot.changed > 0
      ? {
          label: trans.__('captured'),
          explanation: trans.__(
            'Your files were captured, and some of them were changed after the deadline. The receipt lists them.'
          ),
          colour: 'incomplete'
        }
      : {
          label: trans.__('captured'),
          explanation: trans.__('Your files are kept as they were at the deadline.'),
          colour: 'complete'
        };
  }
  switch (state) {
    case 'running_out':
      return {
        label: trans.__('running'),
        explanation: trans.__('Your clock runs. What is in your files at its end is captured.'),
        colour: 'running'
      };
    case 'not_opened':
      return {
        label: trans.__('not opened'),
        explanation: trans.__('You have not opened it yet.'),
        colour: 'none'
      };
    case 'captured':
      return {
        label: trans.__('captured'),
        explanation: trans.__('Your files were captured; the snapshot is no longer there.'),
        colour: 'none'
      };
    case 'closed': {
      const asked = assignment.availability?.timed != null && opened === null;
      const failed = assignment.captures.some(each => each.state === 'failed');
      if (asked) {
        return {
          label: trans.__('closed'),
          explanation: trans.__('It closed without being opened, so nothing was captured.'),
          colour: 'failed'
        };
      }
      return failed
        ? {
            label: trans.__('failed'),
            explanation: trans.__(
              'Your files could not be captured. Your instructor sees it, too, and can try it again.'
            ),
            colour: 'failed'
          }
        : {
            label: trans.__('closed'),
            explanation: trans.__(
              'The deadline has passed. Your files are captured, or will be soon.'
            ),
            colour: 'none'
          };
    }
    default: {
      const isLate = due !== null && ends === null && Date.parse(due) < now.getTime();
      return isLate && closes !== due
        ? {
            label: trans.__('late'),
            explanation: trans.__('It was due, but late work is still accepted.'),
            colour: 'incomplete'
          }
        : {
            label: trans.__('open'),
            explanation: trans.__('What is in your files at the deadline is captured by itself.'),
            colour: 'running'
          };
    }
  }
}

/**
 * What needs doing first, by its instant; then what is over, the newest first.
 *
 * @param hasClock Whether a clock runs, or has ended a moment ago: that stays on top.
 */
export function inOrder(
  list: readonly IOwnAssignment[],
  hasClock: (assignment: IOwnAssignment) => boolean
): IOwnAssignment[] {
  const rank = (each: IOwnAssignment) => (hasClock(each) ? 0 : isOver(each) ? 2 : 1);
  const instant = (each: IOwnAssignment) => countsAt(each) ?? each.closes;
  return [...list].sort((one, other) => {
    const group = rank(one) - rank(other);
    if (group) {
      return group;
    }
    const [first, second] = [instant(one), instant(other)];
    if (first === second) {
      return byName(one.title, other.title);
    }
    if (first === null || second === null) {
      return first === null ? 1 : -1;
    }
    const earlier = Date.parse(first) - Date.parse(second);
    return rank(one) === 2 ? -earlier : earlier;
  });
}
