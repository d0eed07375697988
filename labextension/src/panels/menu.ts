/** Menus of rows, made from commands. */

import { MenuSvg } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** An entry, or null for a line between entries. */
export type MenuEntry = { command: string; args?: ReadonlyJSONObject } | null;

/** Opens a menu of those entries whose command is there and visible. */
export function openMenu(
  commands: CommandRegistry,
  entries: readonly MenuEntry[],
  x: number,
  y: number
): void {
  // Owned by itself: it is disposed of when it has closed.
  const menu = new MenuSvg({ commands });
  menu.addClass('jp-ThemedContainer');
  for (const entry of entries) {
    if (entry === null) {
      menu.addItem({ type: 'separator' });
    } else if (commands.hasCommand(entry.command)) {
      menu.addItem({ command: entry.command, args: entry.args });
    }
  }
  const before = document.activeElement;
  menu.aboutToClose.connect(() => disposeSoon(menu, before));
  menu.open(x, y);
}

/** Below a button, where its menu belongs. */
export function below(event: { currentTarget: Element }): [number, number] {
  const box = event.currentTarget.getBoundingClientRect();
  return [box.left, box.bottom];
}

/** The command that was chosen runs only after the menu has closed; it may take the focus. */
function disposeSoon(menu: MenuSvg, before: Element | null): void {
  // At once: a dialog of the command gives the focus back to what has it then.
  if (before instanceof HTMLElement && menu.node.contains(document.activeElement)) {
    before.focus();
  }
  setTimeout(() => {
    menu.dispose();
    if (document.activeElement === document.body && before instanceof HTMLElement) {
      before.focus();
    }
  }, 0);
}
