/** Where keys lead in a grid with a row of headers and a column of headers. */

/** Row 0 has the headers of the columns, column 0 those of the rows. */
export interface IPosition {
  row: number;
  column: number;
}

/** What a key press is, of which a keyboard event is one. */
export interface IKey {
  key: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
}

/**
 * Where a key leads; null when it leads nowhere.
 *
 * @param last The last row and column.
 * @param page Rows that are seen at once.
 */
export function move(
  { key, ctrlKey, metaKey }: IKey,
  from: IPosition,
  last: IPosition,
  page: number
): IPosition | null {
  const far = Boolean(ctrlKey || metaKey);
  const to = (row: number, column: number): IPosition => ({
    row: clamp(row, last.row),
    column: clamp(column, last.column)
  });
  const { row, column } = from;
  switch (key) {
    case 'ArrowUp':
      return to(far ? 0 : row - 1, column);
    case 'ArrowDown':
      return to(far ? last.row : row + 1, column);
    case 'ArrowLeft':
      return to(row, far ? 0 : column - 1);
    case 'ArrowRight':
      return to(row, far ? last.column : column + 1);
    case 'Home':
      return to(far ? 0 : row, 0);
    case 'End':
      return to(far ? last.row : row, last.column);
    case 'PageUp':
      return to(row - page, column);
    case 'PageDown':
      return to(row + page, column);
    default:
      return null;
  }
}

/** Whether a key opens the menu of where one is. */
export function opensMenu({ key }: IKey): boolean {
  return key === 'Enter' || key === ' ';
}

function clamp(value: number, last: number): number {
  return Math.max(0, Math.min(last, value));
}
