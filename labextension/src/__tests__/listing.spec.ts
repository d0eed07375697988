import {
  BY_NAME,
  rowAfterKey,
  rowsInView,
  rowTyped,
  sortAfterClick,
  sortEntries
} from '../panels/files/listing';
import type { IEntry } from '../tokens';

function entry(name: string, type: IEntry['type'] = 'file', size = 0, modifiedAt = ''): IEntry {
  return { name, path: name, type, size, modifiedAt: modifiedAt || null };
}

const names = (entries: IEntry[]) => entries.map(each => each.name);

describe('sortEntries', () => {
  const entries = [
    entry('week 10', 'file', 1, '2026-01-03T00:00:00Z'),
    entry('Week 2', 'file', 3, '2026-01-01T00:00:00Z'),
    entry('zoo', 'folder', 9, '2026-01-02T00:00:00Z'),
    entry('art', 'folder', 5),
    entry('link', 'link', 2)
  ];

  it('should count like people, with folders above', () => {
    expect(names(sortEntries(entries, BY_NAME))).toEqual([
      'art',
      'zoo',
      'link',
      'Week 2',
      'week 10'
    ]);
  });

  it('should keep folders above and in order when sorted by size', () => {
    const sorted = sortEntries(entries, { key: 'size', ascending: false });
    expect(names(sorted)).toEqual(['art', 'zoo', 'Week 2', 'link', 'week 10']);
  });

  it('should take an unknown time as the earliest', () => {
    const sorted = sortEntries(entries, { key: 'modified', ascending: true });
    expect(names(sorted)).toEqual(['art', 'zoo', 'link', 'Week 2', 'week 10']);
  });

  it('should leave its argument alone', () => {
    sortEntries(entries, BY_NAME);
    expect(entries[0].name).toBe('week 10');
  });

  it('should sort ten thousand entries in no time', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => entry(`file-${(at * 7919) % 10_000}`));
    const began = performance.now();
    const sorted = sortEntries(many, BY_NAME);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(sorted[9_999].name).toBe('file-9999');
  });
});

describe('sortAfterClick', () => {
  it('should turn the same column around, and begin a new one upwards', () => {
    expect(sortAfterClick(BY_NAME, 'name')).toEqual({ key: 'name', ascending: false });
    expect(sortAfterClick({ key: 'name', ascending: false }, 'size')).toEqual({
      key: 'size',
      ascending: true
    });
  });
});

describe('rowsInView', () => {
  it('should draw what is in view and a little around it', () => {
    expect(rowsInView(0, 240, 24, 10_000)).toEqual({ first: 0, end: 20 });
    expect(rowsInView(24_000, 240, 24, 10_000)).toEqual({ first: 990, end: 1020 });
  });

  it('should stay within the rows, however it is scrolled', () => {
    expect(rowsInView(240_000, 240, 24, 10_000)).toEqual({ first: 9990, end: 10_000 });
    expect(rowsInView(1e9, 240, 24, 100)).toEqual({ first: 99, end: 100 });
    expect(rowsInView(-50, 240, 24, 3)).toEqual({ first: 0, end: 3 });
    expect(rowsInView(0, 240, 24, 0)).toEqual({ first: 0, end: 0 });
  });
});

describe('rowAfterKey', () => {
  it.each([
    ['ArrowDown', 5, 6],
    ['ArrowUp', 0, 0],
    ['ArrowDown', 9, 9],
    ['PageDown', 5, 9],
    ['PageUp', 5, 1],
    ['Home', 5, 0],
    ['End', 5, 9]
  ])('should go by %s from %i to %i', (key, row, expected) => {
    expect(rowAfterKey(key, row, 10, 4)).toBe(expected);
  });

  it('should leave other keys and empty lists alone', () => {
    expect(rowAfterKey('x', 0, 10, 4)).toBeNull();
    expect(rowAfterKey('Home', 0, 0, 4)).toBeNull();
  });
});

describe('rowTyped', () => {
  const entries = ['alpha', 'beta', 'Alps', 'gamma'].map(name => entry(name));

  it('should go on from name to name by one letter, all around', () => {
    expect(rowTyped(entries, 0, 'a')).toBe(2);
    expect(rowTyped(entries, 2, 'a')).toBe(0);
    expect(rowTyped(entries, 0, 'x')).toBeNull();
  });

  it('should stay while a longer text still fits', () => {
    expect(rowTyped(entries, 2, 'alp')).toBe(2);
    expect(rowTyped(entries, 0, 'alps')).toBe(2);
  });
});
