/** How components follow a model and the clock. */

import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useState } from 'react';

/** Draws the component again whenever the model has changed. */
export function useModel(model: { stateChanged: ISignal<unknown, void> }): void {
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  useEffect(() => {
    const onChange = () => redraw();
    model.stateChanged.connect(onChange);
    return () => {
      model.stateChanged.disconnect(onChange);
    };
  }, [model]);
}

/** The time of the service, renewed each minute, so that ages stay true. */
export function useNow(clock: { now: () => Date }): Date {
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), 60_000);
    return () => clearInterval(timer);
  }, [clock]);
  return now;
}
