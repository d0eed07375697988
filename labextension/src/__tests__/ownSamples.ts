/** Own assignments as the service sends them. */

import type { IOwnAssignment } from '../ownTokens';

export function assigned(id: number, more: Partial<IOwnAssignment> = {}): IOwnAssignment {
  const due = more.due === undefined ? '2026-12-01T22:59:59Z' : more.due;
  return {
    id,
    title: `Homework ${id}`,
    description: null,
    due,
    closes: due,
    ends: null,
    opens: null,
    release: null,
    fires: due,
    excused: false,
    steps: [],
    captures: [],
    timeLeftSeconds: null,
    availability: null,
    opened: null,
    state: 'open',
    snapshot: null,
    delivered: null,
    delivery: null,
    ...more
  };
}

/** One that was opened, with so many seconds left. */
export function running(id: number, seconds: number, more: Partial<IOwnAssignment> = {}) {
  return assigned(id, {
    title: `Exam ${id}`,
    availability: { timed: 90, password: true },
    opened: '2026-12-01T10:00:00Z',
    ends: new Date(Date.now() + seconds * 1000).toISOString(),
    state: seconds > 0 ? 'running_out' : 'closed',
    timeLeftSeconds: seconds,
    ...more
  });
}

/** The same after its capture. */
export function captured(id: number, more: Partial<IOwnAssignment> = {}) {
  return running(id, 0, {
    state: 'captured',
    ends: '2026-12-01T11:30:00Z',
    snapshot: { name: `exam-${id}_2026-12-01`, beganAt: '2026-12-01T11:30:00Z', changed: 0 },
    ...more
  });
}
