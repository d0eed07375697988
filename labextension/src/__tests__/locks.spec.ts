import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { NotebookModel } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { lockCell, lockNotebook, withoutCommands, withoutKernel, withoutScripts } from '../locks';
import { settle } from './samples';

const OUTPUT = { output_type: 'display_data', data: { 'text/html': '<b>42</b>' }, metadata: {} };

function content(cells = 2) {
  const cell = {
    ...{ cell_type: 'code', execution_count: 1, source: 'x', metadata: {} },
    outputs: [OUTPUT]
  };
  return { nbformat: 4, nbformat_minor: 4, metadata: {}, cells: Array(cells).fill(cell) as [] };
}

function notebook() {
  const model = new NotebookModel();
  model.fromJSON(content());
  return model;
}

describe('lockCell', () => {
  it('should keep outputs and never trust them', () => {
    const cell = notebook().cells.get(0);
    const explain = jest.fn();
    lockCell(cell, explain);
    lockCell(cell, explain);
    // As Run does without a kernel, and Edit > Clear Outputs.
    (cell as unknown as { clearExecution: () => void }).clearExecution();
    expect(explain).toHaveBeenCalledTimes(1);
    // As Trust Notebook does.
    cell.trusted = true;
    expect(explain).toHaveBeenCalledTimes(2);
    expect(cell.trusted).toBe(false);
    cell.setMetadata('trusted', true);
    expect(cell.getMetadata('trusted')).toBe(false);
    const { outputs, executionCount } = cell as unknown as {
      outputs: { length: number; trusted: boolean };
      executionCount: number;
    };
    expect([outputs.length, outputs.trusted, executionCount]).toEqual([1, false, 1]);
  });
});

describe('lockNotebook', () => {
  it('should undo what adds or removes cells', async () => {
    const model = notebook();
    const revert = jest.fn(() => Promise.resolve(model.fromJSON(content())));
    const panel = { isDisposed: false, content: { model, widgets: [] } };
    const explain = jest.fn();
    lockNotebook(
      panel as unknown as NotebookPanel,
      { model, revert } as unknown as DocumentRegistry.Context,
      {},
      explain
    );
    model.sharedModel.insertCell(2, { cell_type: 'code', metadata: { trusted: true } });
    await settle();
    expect(model.cells.length).toBe(2);
    model.sharedModel.deleteCell(0);
    await settle();
    expect(model.cells.length).toBe(2);
    expect(revert).toHaveBeenCalledTimes(2);
    expect(explain).toHaveBeenCalledTimes(2);
    model.cells.get(1).trusted = true;
    expect(model.cells.get(1).trusted).toBe(false);
  });
});

describe('withoutKernel', () => {
  it('should get none from anywhere', async () => {
    const start = jest.fn();
    const sessionContext = {
      kernelPreference: {},
      startKernel: start,
      changeKernel: start,
      restartKernel: start
    };
    const context = { sessionContext } as unknown as DocumentRegistry.Context;
    const explain = jest.fn();
    withoutKernel(context, explain);
    // Whoever is told that no kernel is to be chosen asks nobody for one.
    expect(await context.sessionContext.startKernel()).toBe(false);
    expect(await context.sessionContext.changeKernel({ name: 'python3' })).toBeNull();
    await context.sessionContext.restartKernel();
    expect(explain).toHaveBeenCalledTimes(3);
    expect(start).not.toHaveBeenCalled();
  });
});

describe('withoutCommands', () => {
  function click(html: string) {
    const node = document.createElement('div');
    node.innerHTML = html;
    document.body.append(node);
    const explain = jest.fn();
    const reached = jest.fn();
    withoutCommands(node, explain);
    document.body.addEventListener('click', reached, { once: true });
    node.querySelector<HTMLElement>('b')?.click();
    document.body.removeEventListener('click', reached);
    node.remove();
    return { explained: explain.mock.calls.length, reached: reached.mock.calls.length };
  }
  const named = (command: string, args: string) =>
    `<a data-commandlinker-command="${command}" data-commandlinker-args='${args}'><b>x</b></a>`;
  const LINK = 'rendermime:handle-local-link';

  it.each([
    ['snapshots:delete-snapshot', '{}'],
    [LINK, '{"path": "my own.ipynb"}'],
    [LINK, '{"path": "Snapshots:phys101/ada/week-1/a.py", "scope": "kernel"}'],
    [LINK, 'null'],
    [LINK, '{']
  ])('should stop %s %s', (command, args) => {
    expect(click(named(command, args))).toEqual({ explained: 1, reached: 0 });
  });

  it('should let through what is no command, and links within snapshots', () => {
    expect(click('<b>x</b>')).toEqual({ explained: 0, reached: 1 });
    const link = named(LINK, '{"path": "Snapshots:phys101/ada/week-1/a.md", "id": "x"}');
    expect(click(link)).toEqual({ explained: 0, reached: 1 });
  });
});

test('withoutScripts should take back the trust in a page', () => {
  class Viewer extends Widget {
    readonly trustedChanged = new Signal<this, boolean>(this);
    get trusted() {
      return this._trusted;
    }
    set trusted(value: boolean) {
      this._trusted = value;
      this.trustedChanged.emit(value);
    }
    private _trusted = false;
  }
  const viewer = new Viewer();
  const explain = jest.fn();
  withoutScripts(viewer, explain);
  viewer.trusted = true;
  expect(viewer.trusted).toBe(false);
  expect(explain).toHaveBeenCalledTimes(1);
  withoutScripts(new Widget(), explain);
});
