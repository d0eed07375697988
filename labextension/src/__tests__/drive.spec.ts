import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { SnapshotsApi } from '../api';
import { SnapshotsDrive } from '../drive';
import type { IEntry, IMe } from '../tokens';

const ME: IMe = {
  username: 'ina',
  admin: false,
  courses: [
    { code: 'phys101', title: 'Physics', timeZone: 'UTC', role: 'instructor' },
    { code: 'art', title: 'Art', timeZone: 'UTC', role: 'student' }
  ]
};

const FOLDER = 'phys101/ada/week-1_2026-11-21';

const registry = {
  getFileTypesForPath: (path: string) => {
    const kinds: { [ending: string]: Partial<DocumentRegistry.IFileType> } = {
      ipynb: {
        contentType: 'notebook',
        fileFormat: 'json',
        mimeTypes: ['application/x-ipynb+json']
      },
      csv: { contentType: 'file', fileFormat: 'text', mimeTypes: ['text/csv'] },
      png: { contentType: 'file', fileFormat: 'base64', mimeTypes: ['image/png'] }
    };
    const found = kinds[path.slice(path.lastIndexOf('.') + 1)];
    return found ? [found as DocumentRegistry.IFileType] : [];
  }
};

function entry(path: string, type: IEntry['type'] = 'file', size = 3): IEntry {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { name, path, type, size, modifiedAt: '2026-11-20T10:00:00Z' };
}

/** A response as the browser hands it out, with a body that can be read piece by piece. */
function answer(pieces: (string | Uint8Array)[], headers: { [name: string]: string } = {}) {
  const bytes = pieces.map(each =>
    typeof each === 'string' ? new TextEncoder().encode(each) : each
  );
  let at = 0;
  const cancelled = jest.fn(() => Promise.resolve());
  const response = {
    headers: new Headers({ 'Last-Modified': 'Fri, 20 Nov 2026 10:00:00 GMT', ...headers }),
    body: {
      getReader: () => ({
        read: () =>
          Promise.resolve(
            at < bytes.length
              ? { done: false, value: bytes[at++] }
              : { done: true, value: undefined }
          ),
        cancel: cancelled
      })
    }
  };
  return { response: response as unknown as Response, cancelled, read: () => at };
}

function make(maxBytes?: number) {
  const api = new SnapshotsApi({
    serverSettings: ServerConnection.makeSettings({ baseUrl: 'http://localhost/user/ina/' })
  });
  api.me = jest.fn().mockResolvedValue(ME);
  api.tree = jest.fn();
  api.file = jest.fn();
  const trans = nullTranslator.load('jupyterhub_snapshots');
  return { api, drive: new SnapshotsDrive({ api, registry, trans, maxBytes }) };
}

describe('SnapshotsDrive', () => {
  it('should list courses, students and snapshots as folders', async () => {
    const { api, drive } = make();
    api.students = jest.fn().mockResolvedValue([{ username: 'ada', newest: null }]);
    api.snapshots = jest.fn().mockResolvedValue([{ name: 'week-1_2026-11-21', endedAt: null }]);
    const paths = async (path: string) => {
      const found = await drive.get(path, { content: true });
      expect(found.type).toBe('directory');
      return (found.content as { path: string }[]).map(each => each.path);
    };
    expect(await paths('')).toEqual(['phys101', 'art']);
    expect(await paths('phys101')).toEqual(['phys101/ada']);
    expect(await paths('art')).toEqual(['art/ina']);
    expect(await paths('phys101/ada')).toEqual(['phys101/ada/week-1_2026-11-21']);
    expect(api.me).toHaveBeenCalledTimes(1);
  });

  it('should list a folder with read-only models', async () => {
    const { api, drive } = make();
    api.tree = jest.fn().mockResolvedValue([entry('lab', 'folder'), entry('a.ipynb')]);
    const found = await drive.get(`${FOLDER}/`, { content: true, type: 'directory' });
    expect(found.format).toBe('json');
    expect(found.content).toEqual([
      expect.objectContaining({ path: `${FOLDER}/lab`, type: 'directory', writable: false }),
      expect.objectContaining({
        path: `${FOLDER}/a.ipynb`,
        name: 'a.ipynb',
        type: 'notebook',
        size: 3,
        writable: false,
        content: null,
        last_modified: '2026-11-20T10:00:00Z'
      })
    ]);
  });

  it('should not ask for content that is not wanted', async () => {
    const { api, drive } = make();
    api.tree = jest.fn().mockResolvedValue([entry('lab/a.csv', 'file', 17)]);
    const found = await drive.get(`${FOLDER}/lab/a.csv`);
    expect(found).toMatchObject({ type: 'file', mimetype: 'text/csv', size: 17, content: null });
    expect(api.tree).toHaveBeenCalledWith(expect.objectContaining({ path: 'lab' }));
    expect(api.file).not.toHaveBeenCalled();
  });

  it('should open a notebook as JSON, and trust none of its cells', async () => {
    const { api, drive } = make();
    const notebook = {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: [
        { cell_type: 'code', source: '1', outputs: [], metadata: { trusted: true, tags: ['a'] } },
        { cell_type: 'code', source: '2', outputs: [] },
        { cell_type: 'markdown', source: '#', metadata: { trusted: true } }
      ]
    };
    api.file = jest.fn().mockResolvedValue(answer([JSON.stringify(notebook)]).response);
    const found = await drive.get(`${FOLDER}/a.ipynb`, { content: true, type: 'notebook' });
    expect(found).toMatchObject({ type: 'notebook', format: 'json', writable: false });
    const { cells } = found.content as { cells: { metadata: unknown }[] };
    expect(cells.map(cell => cell.metadata)).toEqual([
      { trusted: false, tags: ['a'] },
      { trusted: false },
      {}
    ]);
  });

  it('should say what is wrong with a notebook that can not be shown', async () => {
    const { api, drive } = make();
    const open = (text: string) => {
      api.file = jest.fn().mockResolvedValue(answer([text]).response);
      return drive.get(`${FOLDER}/a.ipynb`, { content: true, type: 'notebook' });
    };
    await expect(open('{"cells": [')).rejects.toThrow('damaged');
    await expect(open('[]')).rejects.toThrow('damaged');
    await expect(open('{"nbformat": 3, "worksheets": []}')).rejects.toThrow('older format');
  });

  it('should hand out text as text and the rest in base64', async () => {
    const { api, drive } = make();
    const open = (name: string, bytes: string | Uint8Array, options = {}) => {
      api.file = jest.fn().mockResolvedValue(answer([bytes]).response);
      return drive.get(`${FOLDER}/${name}`, { content: true, type: 'file', ...options });
    };
    expect(await open('a.csv', 'x,é')).toMatchObject({
      format: 'text',
      content: 'x,é',
      mimetype: 'text/csv',
      size: 4,
      last_modified: '2026-11-20T10:00:00.000Z'
    });
    const bytes = new Uint8Array([0xff, 0xfe, 0x00]);
    const picture = { format: 'base64', content: '//4A' };
    expect(await open('a.png', bytes, { format: 'base64' })).toMatchObject(picture);
    expect(await open('unknown', bytes)).toMatchObject({
      ...picture,
      mimetype: 'application/octet-stream'
    });
    expect(await open('a.ipynb', '{"cells": []}', { format: 'text' })).toMatchObject({
      type: 'file',
      content: '{"cells": []}'
    });
    await expect(open('a.csv', bytes, { format: 'text' })).rejects.toThrow('not text in UTF-8');
  });

  it('should refuse a file that is too large, without reading it all', async () => {
    const { api, drive } = make(5);
    const declared = answer(['123', '456'], { 'Content-Length': '6' });
    api.file = jest.fn().mockResolvedValue(declared.response);
    const open = () => drive.get(`${FOLDER}/a.csv`, { content: true, type: 'file' });
    await expect(open()).rejects.toThrow('Download it');
    expect(declared.read()).toBe(0);
    expect(declared.cancelled).toHaveBeenCalled();
    const undeclared = answer(['123', '456', '789']);
    api.file = jest.fn().mockResolvedValue(undeclared.response);
    await expect(open()).rejects.toThrow('larger');
    expect(undeclared.read()).toBe(2);
  });

  it('should neither open links nor find what is not there', async () => {
    const { api, drive } = make();
    api.tree = jest.fn().mockResolvedValue([entry('link', 'link')]);
    await expect(drive.get(`${FOLDER}/link`, { content: true })).rejects.toThrow('is a link');
    await expect(drive.get(`${FOLDER}/gone`, { content: true })).rejects.toThrow('has no gone');
  });

  it.each(['100%.csv', 'a#b?c.csv', 'süß – 表.csv', 'week 1:2.csv', '%2e%2e.csv', 'a&b=c+d.csv'])(
    'should ask for a file called %s',
    async name => {
      const { api, drive } = make();
      api.file = jest.fn().mockResolvedValue(answer(['x']).response);
      const found = await drive.get(`${FOLDER}/lab/${name}`, { content: true, type: 'file' });
      expect(found.name).toBe(name);
      expect(found.path).toBe(`${FOLDER}/lab/${name}`);
      expect(api.file).toHaveBeenCalledWith({
        course: 'phys101',
        student: 'ada',
        snapshot: 'week-1_2026-11-21',
        path: `lab/${name}`
      });
      const url = new URL(await drive.getDownloadUrl(`${FOLDER}/lab/${name}`), 'http://localhost');
      expect(decodeURIComponent(url.pathname)).toMatch(new RegExp('/files/lab/.*csv$'));
      expect(url.pathname.split('/').pop()).toBe(encodeURIComponent(name));
      expect(url.search + url.hash).toBe('');
    }
  );

  it('should download a whole snapshot as a zip, and nothing above it', async () => {
    const { drive } = make();
    expect(await drive.getDownloadUrl(FOLDER)).toMatch(/archive\.zip$/);
    await expect(drive.getDownloadUrl('phys101/ada')).rejects.toThrow('Choose a snapshot');
  });

  it('should refuse every change with a sentence for people', async () => {
    const { drive } = make();
    const changes = [
      drive.newUntitled(),
      drive.delete(),
      drive.rename(),
      drive.save(),
      drive.copy(),
      drive.createCheckpoint(),
      drive.restoreCheckpoint(),
      drive.deleteCheckpoint()
    ];
    for (const change of changes) {
      await expect(change).rejects.toThrow("Snapshots can't be changed. Use Copy to my files.");
    }
    expect(await drive.listCheckpoints()).toEqual([]);
  });
});
