/** Two texts beside each other. */

import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

/** Above this many characters a side, differences are found line by line only, for speed. */
const PRECISE_LENGTH = 500_000;

/** A read-only view of two texts with what differs marked. */
export class TextView extends Widget {
  constructor(private readonly _options: TextView.IOptions) {
    super();
    this.addClass('jp-SnapshotsTexts');
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._view?.destroy();
      this._view = null;
      super.dispose();
    }
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (!this._view) {
      void this._show();
    }
  }

  private async _show(): Promise<void> {
    const { base, other, labels } = this._options;
    const language = await this._language();
    if (this.isDisposed || this._view) {
      return;
    }
    const isLong = Math.max(base.length, other.length) > PRECISE_LENGTH;
    this._view = new MergeView({
      a: { doc: base, extensions: [...common(labels[0]), language] },
      b: { doc: other, extensions: [...common(labels[1]), language] },
      parent: this.node,
      gutter: true,
      highlightChanges: !isLong,
      collapseUnchanged: { margin: 3, minSize: 6 },
      diffConfig: { scanLimit: isLong ? 50 : 500, timeout: 1000 }
    });
  }

  /** Colours for the language of the file; none when it is not known. */
  private async _language(): Promise<Extension> {
    const { languages, filename } = this._options;
    const found = languages?.findByFileName(filename);
    try {
      return (found && (await languages?.getLanguage(found))?.support) ?? [];
    } catch {
      return [];
    }
  }

  private _view: MergeView | null = null;
}

/** Options of the view. */
export namespace TextView {
  export interface IOptions {
    base: string;
    other: string;
    /** Of the two sides, for screen readers. */
    labels: [string, string];
    filename: string;
    languages?: IEditorLanguageRegistry | null;
  }
}

function common(label: string): Extension[] {
  return [
    jupyterTheme,
    lineNumbers(),
    EditorView.lineWrapping,
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    // Not editable, but still to be reached and scrolled by keyboard.
    EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': label, 'aria-readonly': 'true' })
  ];
}
