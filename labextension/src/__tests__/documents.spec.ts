import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { nullTranslator } from '@jupyterlab/translation';
import { DisposableSet } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { SnapshotBar, SnapshotDocuments } from '../documents';
import { Links } from '../links';
import type { ISnapshots } from '../tokens';
import { INA, settle } from './samples';

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

const trans = nullTranslator.load('jupyterhub_snapshots');
const options = { app: {} as JupyterFrontEnd, snapshots: {} as ISnapshots, trans };

function open(path: string) {
  const model = new FakeModel();
  const sessionContext = {
    kernelPreference: { name: 'python3', shouldStart: true, canStart: true }
  };
  const context = { path, model, sessionContext, ready: Promise.resolve() };
  const setOption = jest.fn();
  const widget = Object.assign(new Widget(), { content: { editor: { setOption } } });
  const extension = new SnapshotDocuments(options);
  const ties = new DisposableSet();
  const tie = extension.createNew(widget, context as unknown as DocumentRegistry.Context);
  if (tie) {
    ties.add(tie);
  }
  widget.disposed.connect(() => ties.dispose());
  return {
    context: context as unknown as DocumentRegistry.Context,
    model,
    sessionContext,
    widget,
    setOption
  };
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

  it('should run no command that the document names, and say why', () => {
    const { widget } = open('Snapshots:phys101/ada/week-1/a.md');
    widget.node.innerHTML = '<b data-commandlinker-command="snapshots:delete-snapshot">x</b>';
    document.body.append(widget.node);
    const reached = jest.fn();
    document.body.addEventListener('click', reached);
    widget.node.querySelector('b')?.click();
    document.body.removeEventListener('click', reached);
    widget.node.remove();
    expect(reached).not.toHaveBeenCalled();
    const told = Notification.manager.notifications.map(each => each.message);
    expect(told).toEqual([expect.stringContaining('it does nothing here')]);
  });

  it('should save nothing, without an error', async () => {
    const { context } = open('Snapshots:phys101/ada/week-1/a.ipynb');
    Notification.manager.dismiss();
    await expect(context.save()).resolves.toBeUndefined();
  });

  it('should explain once for all cells of a notebook', () => {
    const extension = new SnapshotDocuments(options);
    Notification.manager.dismiss();
    extension.explain();
    extension.explain();
    expect(Notification.manager.count).toBe(1);
    extension.explain('command');
    expect(Notification.manager.notifications[0].message).toContain('does nothing here');
    Notification.manager.dismiss();
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

describe('SnapshotBar', () => {
  it('should offer to restore once it is known that the files are one’s own', async () => {
    const model = {
      api: { snapshot: () => new Promise(() => undefined) },
      links: new Links('/user/ina/'),
      ready: new Promise(() => undefined),
      stateChanged: new Signal<object, void>({})
    };
    const snapshots = { model, reveal: jest.fn() } as unknown as ISnapshots;
    const place = { student: 'ina', snapshot: 'week-1', path: 'a.txt' };
    const show = async (course: string) => {
      const bar = new SnapshotBar({ ...options, snapshots, place: { ...place, course } });
      Widget.attach(bar, document.body);
      await settle();
      return () => bar.node.textContent + bar.node.innerHTML;
    };
    const own = await show('writing');
    const other = await show('math');
    expect(own()).toContain('Copy to My Files');
    expect(own()).not.toContain('Restore…');
    model.links.me = INA;
    model.stateChanged.emit();
    await settle();
    expect(own()).toContain('Restore…');
    expect(other()).not.toContain('Restore…');
  });
});
