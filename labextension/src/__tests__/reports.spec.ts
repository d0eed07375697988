import { strToU8, zipSync } from 'fflate';
import {
  addressed,
  chosenFiles,
  DamagedZip,
  droppedFiles,
  isIgnored,
  namesOf,
  plan,
  returnAll,
  TooMuch,
  unpack
} from '../reports';
import type { IOutcome, IReturnedFile } from '../reports';
import type { IReportCheck, IStudentRow } from '../tokens';

const NAMES = new Map([
  ['ada', 'ada'],
  ['bo.chen', 'bo.chen'],
  ['31387714', 'ada'],
  ['zoë', 'zoë']
]);

function files(...paths: string[]): IReturnedFile[] {
  return paths.map(path => ({ path, file: new Blob(['x']) }));
}

function paths(found: readonly IReturnedFile[]): string[] {
  return found.map(each => each.path);
}

/** jsdom's blobs can't be read as the browser's can. */
function blob(bytes: Uint8Array, size = bytes.length): Blob {
  return { size, arrayBuffer: () => Promise.resolve(bytes.slice().buffer) } as unknown as Blob;
}

function zip(members: { [path: string]: string }): Blob {
  const packed = Object.entries(members).map(([path, text]) => [path, strToU8(text)] as const);
  return blob(zipSync(Object.fromEntries(packed)) as Uint8Array);
}

describe('addressed', () => {
  const at = (...given: string[]) => paths(addressed(files(...given), NAMES));

  it('should leave files that begin with the student alone', () => {
    expect(at('ada.html', 'ada/week-1.html', '31387714_week1.html')).toEqual([
      'ada.html',
      'ada/week-1.html',
      '31387714_week1.html'
    ]);
  });

  it('should take off what is above the folder of a student', () => {
    expect(at('feedback/ada/ps1/ps1.html', 'feedback/bo.chen/ps1/ps1.html')).toEqual([
      'ada/ps1/ps1.html',
      'bo.chen/ps1/ps1.html'
    ]);
  });

  it('should take off the folders that a drop has in common', () => {
    expect(at('week 1/html/ada.html', 'week 1/html/zoe.html')).toEqual(['ada.html', 'zoe.html']);
    expect(at('week 1/ada.html', 'other/deep/bo.chen.html', 'ada.txt')).toEqual([
      'ada.html',
      'bo.chen.html',
      'ada.txt'
    ]);
  });

  it('should leave the folder of somebody unknown to be judged by the service', () => {
    expect(at('feedback/ada/a.html', 'feedback/nobody/ada.html')).toEqual([
      'ada/a.html',
      'nobody/ada.html'
    ]);
  });

  it('should know a name however its letters are written', () => {
    const decomposed = 'zoë'.normalize('NFD');
    expect(at(`feedback/${decomposed}/a.html`)).toEqual([`${decomposed}/a.html`]);
  });

  it('should send everything to the one student that is given', () => {
    const found = addressed(files('feedback/bo.chen.html', 'feedback/b.html'), NAMES, 'ada');
    expect(paths(found)).toEqual(['ada/bo.chen.html', 'ada/b.html']);
    expect(paths(addressed(files('all/ada/a.html'), NAMES, 'ada'))).toEqual(['ada/a.html']);
    expect(paths(addressed(files('all/31387714/a.html'), NAMES, 'ada'))).toEqual(['ada/a.html']);
  });

  it.each([
    ['all/bo.chen/a.html', 'bo.chen'],
    ['bo.chen_week-1.html', 'bo.chen'],
    ['all/bo.chen.html', 'bo.chen'],
    ['ada/bo.chen.html', undefined],
    ['31387714_week-1.html', undefined],
    ['bo.html', undefined],
    ['bo.chenille.html', undefined],
    [`${'zoë'.normalize('NFD')}.html`, 'zoë']
  ])('should tell that %s, meant for ada, seems to be for %s', (path, other) => {
    expect(addressed(files(path), NAMES, 'ada')[0].other).toBe(other);
    expect(addressed(files(path), NAMES)[0].other).toBeUndefined();
  });
});

describe('isIgnored', () => {
  it.each([
    '.DS_Store',
    'ada/.DS_Store',
    '__MACOSX/ada/._a.html',
    'ada/._a.html',
    'Thumbs.db',
    'a/'
  ])('should pass over %s', path => expect(isIgnored(path)).toBe(true));

  it('should keep what a person made', () => {
    expect(isIgnored('ada/a.html')).toBe(false);
    expect(isIgnored('ada/.hidden.html')).toBe(false);
  });
});

describe('unpack', () => {
  it('should put the members of a zip into a folder of its name', async () => {
    const packed = zip({
      'ada/a.html': 'one',
      'bo.chen\\b.html': 'two',
      '__MACOSX/ada/._a.html': 'x',
      'ada/.DS_Store': 'x',
      'empty/': ''
    });
    const found = await unpack([...files('ada.txt'), { path: 'feedback.ZIP', file: packed }]);
    expect(paths(found)).toEqual(['ada.txt', 'feedback/ada/a.html', 'feedback/bo.chen/b.html']);
    expect(found[1].file.size).toBe(3);
    expect(paths(addressed(found, NAMES))).toEqual(['ada.txt', 'ada/a.html', 'bo.chen/b.html']);
  });

  it('should stop at the limits before anything is unpacked', async () => {
    const packed = { path: 'a.zip', file: zip({ 'a.txt': 'x'.repeat(1000), 'b.txt': 'y' }) };
    await expect(unpack([packed], { files: 1, bytes: 10_000 })).rejects.toMatchObject({
      reason: 'files'
    });
    await expect(unpack([packed], { files: 10, bytes: 1000 })).rejects.toBeInstanceOf(TooMuch);
    expect(await unpack([packed], { files: 2, bytes: 1001 })).toHaveLength(2);
  });

  it('should count all zips and files together', async () => {
    const packed = zip({ 'a.txt': 'x' });
    const all = [
      { path: 'a.zip', file: packed },
      { path: 'b.zip', file: packed },
      ...files('c.txt')
    ];
    await expect(unpack(all, { files: 2, bytes: 100_000 })).rejects.toMatchObject({
      reason: 'files'
    });
    await expect(unpack(all.slice(0, 2), { files: 9, bytes: 150 })).resolves.toHaveLength(2);
    const large = { path: 'c.zip', file: blob(new Uint8Array(4), 1e12) };
    await expect(unpack([large])).rejects.toMatchObject({ reason: 'bytes' });
  });

  it('should name a zip that is none', async () => {
    const broken = { path: 'a.zip', file: blob(new TextEncoder().encode('not a zip')) };
    await expect(unpack([broken])).rejects.toBeInstanceOf(DamagedZip);
  });
});

describe('droppedFiles', () => {
  const file = (path: string) => ({
    isFile: true,
    isDirectory: false,
    fullPath: path,
    file: (done: (file: File) => void) => done(new File(['x'], path.split('/').pop() ?? ''))
  });
  const folder = (path: string, ...batches: unknown[][]) => ({
    isFile: false,
    isDirectory: true,
    fullPath: path,
    createReader: () => {
      const left = [...batches, []];
      return { readEntries: (done: (entries: unknown) => void) => done(left.shift()) };
    }
  });
  const transfer = (...entries: unknown[]) =>
    ({
      items: entries.map(entry => ({ webkitGetAsEntry: () => entry })),
      files: [new File(['x'], 'plain.html')]
    }) as unknown as DataTransfer;

  it('should walk folders to their end', async () => {
    const found = await droppedFiles(
      transfer(
        folder('/all', [file('/all/ada.html')], [folder('/all/bo', [file('/all/bo/b.html')])]),
        file('/c.html'),
        file('/.DS_Store')
      )
    );
    expect(paths(found)).toEqual(['all/ada.html', 'all/bo/b.html', 'c.html']);
  });

  it('should take plain files as they are', async () => {
    expect(paths(await droppedFiles(transfer(file('/plain.html'))))).toEqual(['plain.html']);
  });

  it('should not read more than can be returned', async () => {
    const many = Array.from({ length: 5001 }, (_, at) => file(`/all/${at}.html`));
    await expect(droppedFiles(transfer(folder('/all', many)))).rejects.toBeInstanceOf(TooMuch);
  });
});

describe('chosenFiles', () => {
  it('should keep the folders of a chosen folder', () => {
    const inFolder = new File(['x'], 'a.html');
    Object.defineProperty(inFolder, 'webkitRelativePath', { value: 'all/ada/a.html' });
    expect(paths(chosenFiles([inFolder, new File(['x'], 'b.html')]))).toEqual([
      'all/ada/a.html',
      'b.html'
    ]);
  });
});

describe('namesOf', () => {
  it('should have usernames and Canvas ids', () => {
    const rows = [
      { username: 'ada', canvasId: '1' },
      { username: 'bo', canvasId: null }
    ] as IStudentRow[];
    expect([...namesOf(rows)]).toEqual([
      ['ada', 'ada'],
      ['1', 'ada'],
      ['bo', 'bo']
    ]);
    expect(namesOf(null).size).toBe(0);
  });
});

describe('returnAll', () => {
  const check = (file: string, more: Partial<IReportCheck> = {}): IReportCheck => ({
    file,
    student: 'ada',
    reportName: file,
    problem: null,
    message: null,
    ...more
  });
  const plans = plan(files('a.html', 'b.html', 'c.html', 'lost.html'), [
    check('a.html'),
    check('b.html', { problem: 'exists' }),
    check('c.html')
  ]);

  it('should send what can be sent, one after the other, over failures', async () => {
    const outcomes: IOutcome[] = [];
    const send = jest
      .fn()
      .mockRejectedValueOnce(new Error('The home is full.'))
      .mockResolvedValueOnce('c-2.html');
    await returnAll(plans, {
      send,
      onOutcome: outcome => outcomes.push(outcome),
      signal: new AbortController().signal
    });
    expect((send.mock.calls as string[][]).map(call => [call[0], call[2]])).toEqual([
      ['ada', 'a.html'],
      ['ada', 'c.html']
    ]);
    expect(outcomes).toEqual([
      { file: 'a.html', name: null, message: 'The home is full.' },
      { file: 'c.html', name: 'c-2.html', message: null }
    ]);
    expect(plans[3].problem).toBe('unknown_student');
  });

  it('should stop when it is cancelled', async () => {
    const abort = new AbortController();
    const send = jest.fn().mockImplementation(() => {
      abort.abort();
      return Promise.resolve('a.html');
    });
    await returnAll(plans, { send, onOutcome: () => undefined, signal: abort.signal });
    expect(send).toHaveBeenCalledTimes(1);
  });
});
