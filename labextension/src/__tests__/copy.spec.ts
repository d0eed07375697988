import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, showDialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { ApiError } from '../api';
import type { SnapshotsModel } from '../model';
import { copyToMyFiles, restore } from '../panels/files/copy';
import type { ITarget } from '../panels/files/target';

jest.mock('@jupyterlab/apputils', () => ({
  ...jest.requireActual<object>('@jupyterlab/apputils'),
  InputDialog: { getText: jest.fn(() => Promise.resolve(mockTyped)) },
  Notification: {
    emit: jest.fn(() => 'note'),
    dismiss: jest.fn(),
    info: jest.fn(),
    success: jest.fn()
  },
  showDialog: jest.fn()
}));

let mockTyped = { button: { accept: true }, value: '/week/' };

function target(path: string, type: ITarget['type'] = 'file'): ITarget {
  return { place: { course: 'phys101', student: 'ada', snapshot: 'week-1', path }, type };
}

function make(...answers: (Error | object)[]) {
  const copy = jest.fn();
  for (const answer of answers) {
    copy.mockImplementationOnce(() =>
      answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    );
  }
  const source = jest.fn(() => ({ api: 'x', path: 'y' }));
  const contents = { driveName: () => '', localPath: (path: string) => path };
  const options = {
    app: {
      serviceManager: { contents },
      commands: { execute: jest.fn() },
      resolveOptionalService: () => Promise.resolve(null)
    } as unknown as JupyterFrontEnd,
    model: { api: { copy, source } } as unknown as SnapshotsModel,
    trans: nullTranslator.load('jupyterhub_snapshots')
  };
  return { copy, options };
}

const exists = new ApiError('There is one.', 'exists', 409, { existing: ['week/a.txt'] });
const answers = (...accepts: boolean[]) => {
  for (const accept of accepts) {
    (showDialog as jest.Mock).mockResolvedValueOnce({ button: { accept } });
  }
};

describe('copyToMyFiles', () => {
  beforeEach(() => jest.clearAllMocks());

  it('should copy under the same name into the folder', async () => {
    const { copy, options } = make({ path: 'week/a.txt', shownAs: 'week/a.txt', keptAs: null });
    await copyToMyFiles(options, target('lab/a.txt'));
    expect(copy.mock.calls).toEqual([[{ api: 'x', path: 'y' }, 'week/a.txt', 'ask', 'files']]);
    expect(Notification.success).toHaveBeenCalledWith(
      'Copied to week/a.txt.',
      expect.objectContaining({ actions: [expect.objectContaining({ label: 'Open' })] })
    );
    expect(Notification.emit).not.toHaveBeenCalled();
  });

  it('should say that it goes on when it takes its time', async () => {
    const { copy, options } = make();
    const copied = { path: 'week/a.txt', shownAs: null, keptAs: null, leftOut: 0 };
    copy.mockImplementation(() => new Promise(resolve => setTimeout(() => resolve(copied), 700)));
    await copyToMyFiles(options, target('lab/a.txt'));
    expect(Notification.emit).toHaveBeenCalledWith('Copying a.txt…', 'in-progress', {
      autoClose: false
    });
    expect(Notification.dismiss).toHaveBeenCalledWith('note');
    expect(Notification.success).toHaveBeenCalledTimes(1);
  });

  it('should not begin the same copy twice', async () => {
    let end: (copied: object) => void = () => undefined;
    const { copy, options } = make();
    copy.mockImplementation(() => new Promise(resolve => (end = resolve)));
    const first = copyToMyFiles(options, target('lab', 'folder'));
    await new Promise(resolve => setTimeout(resolve, 0));
    await copyToMyFiles(options, target('lab', 'folder'));
    expect(copy).toHaveBeenCalledTimes(1);
    expect(Notification.info).toHaveBeenCalledWith(
      'week/lab is being copied already.',
      expect.anything()
    );
    end({ path: 'week/lab', shownAs: null, keptAs: null });
    await first;
    const again = copyToMyFiles(options, target('lab', 'folder'));
    await new Promise(resolve => setTimeout(resolve, 0));
    expect(copy).toHaveBeenCalledTimes(2);
    end({ path: 'week/lab', shownAs: null, keptAs: null });
    await again;
  });

  it('should name a whole snapshot after its student', async () => {
    mockTyped = { button: { accept: true }, value: '' };
    const { copy, options } = make({ path: 'ada_week-1', keptAs: null });
    await copyToMyFiles(options, target('', 'folder'));
    expect(copy.mock.calls[0][1]).toBe('ada_week-1');
  });

  it('should do nothing when the chooser is left', async () => {
    mockTyped = { button: { accept: false }, value: '' };
    const { copy, options } = make();
    await copyToMyFiles(options, target('a.txt'));
    expect(copy).not.toHaveBeenCalled();
  });
});

describe('restore', () => {
  beforeEach(() => jest.clearAllMocks());

  it('should ask first, and ask again before it moves anything aside', async () => {
    answers(true, true);
    const { copy, options } = make(exists, {
      path: 'lab/a.txt',
      shownAs: null,
      keptAs: 'lab/a.before.txt'
    });
    await restore(options, target('lab/a.txt'));
    expect((copy.mock.calls as unknown[][]).map(call => call.slice(1))).toEqual([
      ['lab/a.txt', 'ask', 'home'],
      ['lab/a.txt', 'keep_old', 'home']
    ]);
    expect((showDialog as jest.Mock).mock.calls[1]).toEqual([
      expect.objectContaining({ body: expect.stringContaining('week/a.txt is already') })
    ]);
    expect(Notification.success).toHaveBeenCalledWith(
      'lab/a.txt was restored. What was there is now lab/a.before.txt.',
      expect.objectContaining({ actions: [] })
    );
  });

  it('should leave everything as it is when either question is denied', async () => {
    answers(false);
    const first = make();
    await restore(first.options, target('lab/a.txt'));
    expect(first.copy).not.toHaveBeenCalled();
    answers(true, false);
    const second = make(exists);
    await restore(second.options, target('lab/a.txt'));
    expect(second.copy).toHaveBeenCalledTimes(1);
    expect(Notification.success).not.toHaveBeenCalled();
  });

  it('should pass on other failures', async () => {
    answers(true);
    const { options } = make(new ApiError('The disk is full.', 'storage_full', 507));
    await expect(restore(options, target('a.txt'))).rejects.toThrow('The disk is full.');
    expect(Notification.success).not.toHaveBeenCalled();
  });
});
