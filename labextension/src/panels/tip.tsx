/** An explanation that is shown on hover and on focus alike. */

import React, { useCallback, useEffect, useId, useRef, useState } from 'react';
import { createPortal } from 'react-dom';

/** Space between the explained thing and its explanation, in pixels. */
const GAP = 4;
const WIDEST = 280;
/** Room that the explanation may need, in pixels. */
const TALLEST = 160;

export interface ITipProps {
  /** What is explained. */
  children: React.ReactNode;
  text: string;
  className?: string;
  /** Whether the tabulator key stops here; without it only the mouse and code bring the focus. */
  tabbable?: boolean;
}

/** The children, with their explanation in a hover box that nothing on the page can cut off. */
export function Tip({ children, text, className, tabbable = true }: ITipProps): JSX.Element {
  const [place, setPlace] = useState<React.CSSProperties | null>(null);
  const anchor = useRef<HTMLSpanElement>(null);
  const id = useId();
  const show = useCallback(() => {
    const box = anchor.current?.getBoundingClientRect();
    if (box) {
      const left = Math.max(GAP, Math.min(box.left, window.innerWidth - WIDEST - GAP));
      const roomBelow = window.innerHeight - box.bottom;
      setPlace(
        roomBelow < TALLEST && box.top > roomBelow
          ? { left, bottom: window.innerHeight - box.top + GAP }
          : { left, top: box.bottom + GAP }
      );
    }
  }, []);
  const hide = useCallback(() => setPlace(null), []);
  const shown = place !== null;
  useEffect(() => {
    if (!shown) {
      return;
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') {
        hide();
      }
    };
    // A box that stays where it was while its row moves away explains something else.
    document.addEventListener('scroll', hide, true);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('scroll', hide, true);
      document.removeEventListener('keydown', onKey);
    };
  }, [shown, hide]);
  return (
    <span
      ref={anchor}
      className={className}
      tabIndex={tabbable ? 0 : -1}
      aria-describedby={shown ? id : undefined}
      onMouseEnter={show}
      onMouseLeave={hide}
      onFocus={show}
      onBlur={hide}
    >
      {children}
      {shown &&
        createPortal(
          <span id={id} role="tooltip" className="jp-SnapshotsTip" style={place}>
            {text}
          </span>,
          document.body
        )}
    </span>
  );
}
