import { nullTranslator } from '@jupyterlab/translation';
import { RenderMimeRegistry, standardRendererFactories } from '@jupyterlab/rendermime';
import { CodeMirrorEditorFactory } from '@jupyterlab/codemirror';
import { Widget } from '@lumino/widgets';
import { ApiError } from '../api';
import { ContentComparison } from '../compare/content';
import type { Side } from '../compare/sides';
import type { SnapshotsModel } from '../model';
import type { Difference, IPlace } from '../tokens';

const PLACE: IPlace = { course: 'phys101', student: 'ada', snapshot: 'week-2', path: 'lab/a' };
const SIDES: [Side, Side] = [
  { kind: 'snapshot', place: { ...PLACE, snapshot: 'week-1' } },
  { kind: 'snapshot', place: PLACE }
];

async function show(answer: Difference | Error) {
  const compare = jest.fn(() =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  );
  const source = (place: IPlace) => ({ api: place.snapshot, path: place.path });
  const factory = new CodeMirrorEditorFactory();
  const widget = new ContentComparison({
    model: { api: { compare, source } } as unknown as SnapshotsModel,
    sides: SIDES,
    path: PLACE.path,
    rendermime: new RenderMimeRegistry({ initialFactories: standardRendererFactories }),
    editorFactory: options => factory.newInlineEditor(options),
    translator: nullTranslator,
    trans: nullTranslator.load('jupyterhub_snapshots')
  });
  Widget.attach(widget, document.body);
  await widget.ready;
  // The text view waits for its language, the notebook view draws cell after cell.
  await new Promise(resolve => setTimeout(resolve, 200));
  return { widget, compare };
}

/** Waits for what is drawn a moment later. */
async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 4000;
  while (!check() && Date.now() < end) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect(check()).toBe(true);
}

describe('ContentComparison', () => {
  it('should say above each side which one it is', async () => {
    const { widget, compare } = await show({ kind: 'text', base: 'a', other: 'a' });
    expect(compare).toHaveBeenCalledWith(
      { api: 'week-1', path: 'lab/a' },
      { api: 'week-2', path: 'lab/a' }
    );
    const sides = [...widget.node.querySelectorAll('.jp-SnapshotsContents-side')];
    expect(sides.map(side => side.textContent)).toEqual(['week-1 of ada', 'week-2 of ada']);
    expect(widget.node.textContent).toContain('The contents are the same.');
    widget.dispose();
  });

  it('should show two texts that nobody can change', async () => {
    const { widget } = await show({ kind: 'text', base: 'one\ntwo\n', other: 'one\n2\n' });
    const editors = [...widget.node.querySelectorAll<HTMLElement>('.cm-content')];
    expect(editors.map(editor => editor.getAttribute('aria-label'))).toEqual([
      'week-1 of ada',
      'week-2 of ada'
    ]);
    expect(editors.map(editor => editor.getAttribute('contenteditable'))).toEqual([
      'false',
      'false'
    ]);
    expect(editors[0].textContent).toContain('two');
    expect(editors[1].textContent).not.toContain('two');
    widget.dispose();
  });

  it('should tell whether binary files differ', async () => {
    const same = await show({ kind: 'binary', same: true, baseSize: 2048, otherSize: 2048 });
    expect(same.widget.node.textContent).toContain('They are the same (2 KB).');
    const differ = await show({ kind: 'binary', same: false, baseSize: 1, otherSize: 2048 });
    expect(differ.widget.node.textContent).toContain('They differ: 1 B before, 2 KB after.');
    same.widget.dispose();
    differ.widget.dispose();
  });

  it('should tell that a binary file was added or removed', async () => {
    const added = await show({ kind: 'binary', same: false, baseSize: null, otherSize: 2048 });
    expect(added.widget.node.textContent).toContain('It was added (2 KB).');
    const removed = await show({ kind: 'binary', same: false, baseSize: 1, otherSize: null });
    expect(removed.widget.node.textContent).toContain('It was removed (1 B).');
    added.widget.dispose();
    removed.widget.dispose();
  });

  it('should compare notebooks by cell, with unchanged cells hidden and nothing trusted', async () => {
    const html = {
      'text/html':
        '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>' +
        '<b class="shown" data-commandlinker-command="snapshots:delete-snapshot">42</b>'
    };
    const cell = (source: string) => ({
      cell_type: 'code',
      execution_count: 1,
      metadata: { trusted: true },
      source,
      outputs: [{ output_type: 'display_data', data: html, metadata: {} }]
    });
    const added = { ...cell('added'), metadata: { trusted: true, name: '<img src=x onerror=x>' } };
    const { widget } = await show({
      kind: 'notebook',
      base: {
        nbformat: 4,
        nbformat_minor: 4,
        metadata: { language_info: { name: 'python', mimetype: 'text/x-python' } },
        cells: [cell('same'), { ...cell('before'), metadata: {} }]
      },
      diff: [
        {
          op: 'patch',
          key: 'cells',
          diff: [
            {
              op: 'patch',
              key: 1,
              diff: [
                {
                  op: 'patch',
                  key: 'metadata',
                  diff: [{ op: 'add', key: 'trusted', value: true }]
                },
                {
                  op: 'patch',
                  key: 'source',
                  diff: [
                    { op: 'addrange', key: 0, valuelist: ['after'] },
                    { op: 'removerange', key: 0, length: 1 }
                  ]
                }
              ]
            },
            { op: 'addrange', key: 2, valuelist: [added] }
          ]
        }
      ]
    });
    await until(() => widget.node.querySelectorAll('.jp-Cell-diff').length === 3);
    expect(widget.node.querySelectorAll('.jp-Cell-diff.jp-Diff-unchanged')).toHaveLength(1);
    expect(widget.node.textContent).toContain('Show the unchanged cell');
    const panel = widget.node.querySelector('.jp-SnapshotsNotebooks');
    expect(panel?.classList.contains('jp-mod-changedOnly')).toBe(true);
    panel?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
    expect(panel?.classList.contains('jp-mod-changedOnly')).toBe(false);
    // What is shown is shown, without what would run.
    const shown = [...widget.node.querySelectorAll<HTMLElement>('.jp-Cellrow-outputs b')];
    expect(shown.map(each => each.textContent)).toContain('42');
    expect(widget.node.querySelectorAll('.jp-Diff-added b').length).toBeGreaterThan(0);
    expect(widget.node.querySelector('[onerror], script')).toBeNull();
    expect((window as unknown as { hacked?: boolean }).hacked).toBeUndefined();
    const reached = jest.fn();
    document.body.addEventListener('click', reached, { once: true });
    shown[0].click();
    const names = shown[0].hasAttribute('data-commandlinker-command');
    expect(reached).toHaveBeenCalledTimes(names ? 0 : 1);
    document.body.removeEventListener('click', reached);
    widget.dispose();
  });

  it('should say why there is nothing to show', async () => {
    const { widget } = await show(new ApiError('Larger than 10 MB.', 'too_large', 413));
    expect(widget.node.querySelector('[role=alert]')?.textContent).toBe('Larger than 10 MB.');
    widget.dispose();
  });
});
