import { nullTranslator } from '@jupyterlab/translation';
import {
  ALL,
  filterDifferences,
  inOrder,
  previousOf,
  sideLabel,
  sideRef,
  sidesOf
} from '../compare/sides';
import type { Side } from '../compare/sides';
import { distrust } from '../fileContent';
import { isolated } from '../panels/files/target';
import type { IDifference, IPlace, ISnapshot } from '../tokens';

const trans = nullTranslator.load('jupyterhub_snapshots');
const PLACE: IPlace = { course: 'phys101', student: 'ada', snapshot: 'week-2', path: '' };
const snapshots = ['week-3', 'week-2', 'week-1'].map(name => ({ name })) as ISnapshot[];

function difference(path: string, change: IDifference['change']): IDifference {
  return { path, change, type: 'file', size: 1, baseSize: 1 };
}

describe('sidesOf', () => {
  it('should have the older one first, and nothing where the file was not there', () => {
    const [base, other] = sidesOf(difference('a.txt', 'changed'), PLACE, 'week-1');
    expect(base).toEqual({
      kind: 'snapshot',
      place: { ...PLACE, snapshot: 'week-1', path: 'a.txt' }
    });
    expect(other).toEqual({ kind: 'snapshot', place: { ...PLACE, path: 'a.txt' } });
    expect(sidesOf(difference('a.txt', 'added'), PLACE, 'week-1')[0].kind).toBe('absent');
    expect(sidesOf(difference('a.txt', 'removed'), PLACE, 'week-1')[1].kind).toBe('absent');
  });
});

describe('sideRef and sideLabel', () => {
  const source = (place: IPlace) => ({ api: `x/${place.snapshot}`, path: place.path });
  const sides: [Side, unknown, string][] = [
    [
      { kind: 'snapshot', place: { ...PLACE, path: 'a.txt' } },
      { api: 'x/week-2', path: 'a.txt' },
      'week-2 of ada'
    ],
    [{ kind: 'file', path: 'mine/a.txt' }, { file: 'mine/a.txt' }, 'My files: mine/a.txt'],
    [{ kind: 'absent', place: PLACE }, null, 'week-2 of ada (not there)']
  ];

  it.each(sides)('should tell the server and a person what %j is', (side, ref, label) => {
    expect(sideRef(side, source)).toEqual(ref);
    expect(sideLabel(side, trans)).toBe(label);
  });
});

describe('previousOf', () => {
  it('should be the one before, or the nearest', () => {
    expect(previousOf(snapshots, 'week-2')?.name).toBe('week-1');
    expect(previousOf(snapshots, 'week-1')?.name).toBe('week-2');
    expect(previousOf(snapshots, 'gone')?.name).toBe('week-3');
    expect(previousOf(snapshots.slice(0, 1), 'week-3')).toBeNull();
  });
});

describe('inOrder', () => {
  it('should begin with the older one, whichever way it was asked', () => {
    expect(inOrder(snapshots, 'week-1', 'week-3')).toEqual(['week-1', 'week-3']);
    expect(inOrder(snapshots, 'week-3', 'week-1')).toEqual(['week-1', 'week-3']);
    expect(inOrder(snapshots, 'gone', 'week-1')).toEqual(['gone', 'week-1']);
  });
});

describe('filterDifferences', () => {
  const entries = [
    difference('lab/Report.ipynb', 'changed'),
    difference('lab/data (1).csv', 'added'),
    difference('notes.txt', 'removed')
  ];
  const shown = (filter: Partial<typeof ALL>) =>
    filterDifferences(entries, { ...ALL, ...filter }).map(each => each.path);

  it('should find all words in any case, taken as they are', () => {
    expect(shown({})).toHaveLength(3);
    expect(shown({ text: 'REPORT lab' })).toEqual(['lab/Report.ipynb']);
    expect(shown({ text: '(1)' })).toEqual(['lab/data (1).csv']);
    expect(shown({ text: '.*' })).toEqual([]);
  });

  it('should leave out what is not wanted', () => {
    expect(shown({ added: false, removed: false })).toEqual(['lab/Report.ipynb']);
  });
});

describe('distrust', () => {
  it('should leave what is no notebook alone', () => {
    const odd = { cells: [null, 3, { cell_type: 'code', metadata: 'x' }] };
    distrust(odd);
    expect(odd.cells).toEqual([null, 3, { cell_type: 'code', metadata: { trusted: false } }]);
    expect(() => distrust({})).not.toThrow();
  });
});

describe('isolated', () => {
  it('should keep what a name is written in out of the sentence', () => {
    expect(isolated('lab/a (1).txt')).toBe('lab/a (1).txt');
    expect(isolated('תרגיל.ipynb')).toBe('\u2068תרגיל.ipynb\u2069');
    expect(isolated('a\u2069\u202etxt.exe')).toBe('\u2068a\ufffd\ufffdtxt.exe\u2069');
  });
});
