/** The contents of two files beside each other, whatever they are. */

import { Notification } from '@jupyterlab/apputils';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { TranslationBundle } from '@jupyterlab/translation';
import { BoxLayout, Widget } from '@lumino/widgets';
import type { SnapshotsModel } from '../model';
import { commandsText } from '../documents';
import { size } from '../format';
import { withoutCommands } from '../locks';
import type { Difference } from '../tokens';
import { note, notebookView } from './notebook';
import type { INotebookViewOptions } from './notebook';
import { sideLabel, sideRef } from './sides';
import type { Side } from './sides';
import { TextView } from './text';

/** The header with what is on which side, and the contents below it. */
export class ContentComparison extends Widget {
  constructor(options: ContentComparison.IOptions) {
    super();
    this.addClass('jp-SnapshotsContents');
    this.node.tabIndex = -1;
    this._options = options;
    const { sides, trans } = options;
    withoutCommands(this.node, () => Notification.info(commandsText(trans), { autoClose: 6000 }));
    this._labels = [sideLabel(sides[0], trans), sideLabel(sides[1], trans)];
    const layout = (this.layout = new BoxLayout({ direction: 'top-to-bottom', spacing: 0 }));
    const header = new Widget({ node: headerNode(this._labels) });
    layout.addWidget(header);
    BoxLayout.setStretch(header, 0);
    this.ready = this._load(layout);
  }

  /** When the contents, or why there are none, are shown; never rejects. */
  readonly ready: Promise<void>;

  private async _load(layout: BoxLayout): Promise<void> {
    const { model, sides } = this._options;
    let shown: Widget;
    try {
      const [base, other] = sides.map(side => sideRef(side, place => model.api.source(place)));
      shown = this._view(await model.api.compare(base, other));
    } catch (reason) {
      shown = note((reason as Error).message);
      shown.node.setAttribute('role', 'alert');
    }
    if (this.isDisposed) {
      shown.dispose();
      return;
    }
    shown.addClass('jp-SnapshotsContents-body');
    layout.addWidget(shown);
    BoxLayout.setStretch(shown, 1);
  }

  private _view(found: Difference): Widget {
    const { trans, path, languages } = this._options;
    switch (found.kind) {
      case 'notebook':
        return notebookView(found.base, found.diff, this._options);
      case 'text':
        if (found.base === found.other) {
          return note(trans.__('The contents are the same.'));
        }
        return new TextView({
          base: found.base,
          other: found.other,
          labels: this._labels,
          filename: path.slice(path.lastIndexOf('/') + 1),
          languages
        });
      default:
        return note(binaryText(found, trans));
    }
  }

  private readonly _options: ContentComparison.IOptions;
  private readonly _labels: [string, string];
}

/** Options of the comparison. */
export namespace ContentComparison {
  export interface IOptions extends INotebookViewOptions {
    model: SnapshotsModel;
    /** The older and the newer one. */
    sides: [Side, Side];
    /** The file's path, for its kind. */
    path: string;
    languages?: IEditorLanguageRegistry | null;
  }
}

/** What can be said of two contents that are no text. */
function binaryText(found: Difference & { kind: 'binary' }, trans: TranslationBundle): string {
  const { same, baseSize, otherSize } = found;
  if (baseSize === null) {
    return trans.__('The file is not text. It was added (%1).', size(otherSize));
  }
  if (otherSize === null) {
    return trans.__('The file is not text. It was removed (%1).', size(baseSize));
  }
  return same
    ? trans.__('The files are not text. They are the same (%1).', size(otherSize))
    : trans.__(
        'The files are not text. They differ: %1 before, %2 after.',
        size(baseSize),
        size(otherSize)
      );
}

function headerNode(labels: [string, string]): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-SnapshotsContents-sides';
  labels.forEach((label, at) => {
    const side = document.createElement('div');
    side.className = `jp-SnapshotsContents-side ${at ? 'jp-mod-after' : 'jp-mod-before'}`;
    side.textContent = label;
    side.title = label;
    node.append(side);
  });
  return node;
}
