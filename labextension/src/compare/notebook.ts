/** Two notebooks beside each other, cell by cell. */

import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { INotebookContent } from '@jupyterlab/nbformat';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import type { IDiffEntry } from 'nbdime/lib/diff/diffentries';
import { NotebookDiffModel } from 'nbdime/lib/diff/model';
import { NotebookDiffWidget } from 'nbdime/lib/diff/widget';
import 'nbdime/lib/common/collapsible.css';
import 'nbdime/lib/styles/variables.css';
import 'nbdime/lib/styles/common.css';
import 'nbdime/lib/styles/diff.css';
import 'nbdime/lib/upstreaming/flexpanel.css';

/** What showing notebooks needs of JupyterLab. */
export interface INotebookViewOptions {
  rendermime: IRenderMimeRegistry;
  editorFactory: CodeEditor.Factory;
  translator: ITranslator;
  trans: TranslationBundle;
}

/** The cells of both notebooks; unchanged ones are hidden at first. */
export function notebookView(
  base: unknown,
  diff: unknown[],
  options: INotebookViewOptions
): Widget {
  const { rendermime, editorFactory, translator, trans } = options;
  const model = new NotebookDiffModel(base as INotebookContent, diff as IDiffEntry[]);
  const panel = new Panel();
  panel.addClass('jp-SnapshotsNotebooks');
  const unchanged = model.cells.filter(cell => cell.unchanged).length;
  if (unchanged === model.cells.length && (model.metadata?.unchanged ?? true)) {
    panel.addWidget(note(trans.__('The notebooks are the same, cell by cell.')));
  }
  if (unchanged) {
    panel.addWidget(toggle(panel, unchanged, trans));
  }
  const cells = new NotebookDiffWidget({ model, rendermime, editorFactory, translator });
  const root = new Panel();
  root.addClass('nbdime-root');
  root.addClass('jp-SnapshotsNotebooks-cells');
  root.addWidget(cells);
  panel.addWidget(root);
  cells.init().catch(reason => {
    // The widget is closed before its last cell was drawn, or an output can't be rendered.
    console.warn('Not all cells of the comparison could be drawn.', reason);
  });
  return panel;
}

/** The choice to see unchanged cells, too. */
function toggle(panel: Panel, unchanged: number, trans: TranslationBundle): Widget {
  const node = document.createElement('label');
  node.className = 'jp-SnapshotsNotebooks-toggle';
  const box = document.createElement('input');
  box.type = 'checkbox';
  node.append(box, trans._n('Show the unchanged cell', 'Show the %1 unchanged cells', unchanged));
  panel.addClass('jp-mod-changedOnly');
  box.addEventListener('change', () => panel.toggleClass('jp-mod-changedOnly', !box.checked));
  return new Widget({ node });
}

/** A sentence in place of contents. */
export function note(text: string): Widget {
  const node = document.createElement('p');
  node.className = 'jp-SnapshotsComparison-note';
  node.setAttribute('role', 'status');
  node.textContent = text;
  return new Widget({ node });
}
