import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { nullTranslator } from '@jupyterlab/translation';
import { DisposableSet } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { SnapshotDocuments } from '../documents';
import type { ISnapshots } from '../tokens';

/** As much of a text document's model as is looked at. */
class FakeModel {
  readonly stateChanged = new Signal<this, { name: string; newValue: unknown }>(this);
  readOnly = false;

  get dirty(): boolean {
    return this._dirty;
  }
  set dirty(value: boolean) {
    if (value !== this._dirty) {
      this._dirty = value;
      this.stateChanged.emit({ name: 'dirty', newValue: value });
    }
  }

  private _dirty = false;
}

function open(path: string) {
  const model = new FakeModel();
  const sessionContext = {
    kernelPreference: { name: 'python3', shouldStart: true, canStart: true }
  };
  const context = { path, model, sessionContext, ready: Promise.resolve() };
  const setOption = jest.fn();
  const widget = Object.assign(new Widget(), { content: { editor: { setOption } } });
  const extension = new SnapshotDocuments({
    app: {} as JupyterFrontEnd,
    snapshots: {} as ISnapshots,
    trans: nullTranslator.load('jupyterhub_snapshots')
  });
  const ties = new DisposableSet();
  const tie = extension.createNew(widget, context as unknown as DocumentRegistry.Context);
  if (tie) {
    ties.add(tie);
  }
  widget.disposed.connect(() => ties.dispose());
  return { model, sessionContext, widget, setOption };
}

describe('SnapshotDocuments', () => {
  it('should start no kernel', () => {
    const { sessionContext } = open('Snapshots:phys101/ada/week-1/a.ipynb');
    expect(sessionContext.kernelPreference).toEqual({
      name: 'python3',
      shouldStart: false,
      shouldReuse: false,
      canStart: false,
      autoStartDefault: false
    });
  });

  it('should never be dirty, and read-only from the first moment', async () => {
    const { model, widget, setOption } = open('Snapshots:phys101/ada/week-1/a.py');
    expect(model.readOnly).toBe(true);
    model.dirty = true;
    expect(model.dirty).toBe(false);
    await Promise.resolve();
    expect(setOption).toHaveBeenCalledWith('readOnly', true);
    expect(widget.hasClass('jp-SnapshotsDocument')).toBe(true);
  });

  it('should leave other documents alone', async () => {
    const { model, sessionContext, widget, setOption } = open('Snapshots.ipynb');
    model.dirty = true;
    await Promise.resolve();
    expect(model.dirty).toBe(true);
    expect(model.readOnly).toBe(false);
    expect(sessionContext.kernelPreference.canStart).toBe(true);
    expect(setOption).not.toHaveBeenCalled();
    expect(widget.hasClass('jp-SnapshotsDocument')).toBe(false);
  });
});
