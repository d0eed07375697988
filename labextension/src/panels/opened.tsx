/** Rows that can be opened, and the lists that are loaded for them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';
import type { ITreeRow } from './tree';

/** A row's key: `[parent]` or `[parent, child]` as JSON; null for a note in place of the children. */
export function rowKey(parent: string, child?: string | null): string {
  return JSON.stringify(child === undefined ? [parent] : [parent, child]);
}

/** What `rowKey` made a key of. */
export function parsed(key: string): [string, (string | null)?] {
  return JSON.parse(key) as [string, (string | null)?];
}

/** Where the lists of opened rows come from. */
export interface IOpenedLists {
  /** The list below a row; null when it was not loaded yet. */
  get: (parent: string) => unknown[] | null;
  /** Loads it; `problemOf` tells why it could not be. */
  load: (parent: string) => Promise<unknown>;
  problemOf: (parent: string) => Error | null;
}

export interface IOpened {
  has: (parent: string) => boolean;
  /** Opens or closes a row; opened, its list is loaded unless it is there. */
  toggle: (parent: string, expand: boolean) => void;
  /** Loads the list of a row unless it is there. */
  load: (parent: string) => void;
  /** What stands in the place of a list that is not there, or is empty. */
  note: (parent: string, empty: string, trans: TranslationBundle) => ITreeRow;
}

/** Which rows are open. */
export function useOpened(lists: IOpenedLists): IOpened {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const load = (parent: string) => {
    if (lists.get(parent) === null) {
      // What fails is shown in the place of the list.
      lists.load(parent).catch(() => undefined);
    }
  };
  return {
    has: parent => expanded.has(parent),
    load,
    toggle: (parent, expand) => {
      const next = new Set(expanded);
      if (expand) {
        next.add(parent);
        load(parent);
      } else {
        next.delete(parent);
      }
      setExpanded(next);
    },
    note: (parent, empty, trans) => {
      const problem = lists.problemOf(parent);
      const text =
        lists.get(parent) !== null
          ? empty
          : problem
            ? trans.__('Could not be loaded: %1 Press Enter to try again.', problem.message)
            : trans.__('Loading…');
      return {
        key: rowKey(parent, null),
        level: 2,
        label: () => text,
        setSize: 1,
        positionInSet: 1,
        render: () => (
          <span className="jp-SnapshotsTree-note" title={text}>
            {text}
          </span>
        )
      };
    }
  };
}
