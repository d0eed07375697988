/** A dialog with a form that stays open until it was saved, and tells what went wrong. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, VDomModel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';
import { useModel } from '../panels/hooks';
import { QuietDialog } from './quietDialog';

/** What can be filled in, or chosen. */
const FIELDS = 'input:enabled, select:enabled, textarea:enabled';

/** What a form holds, and how it is saved. */
export abstract class FormModel extends VDomModel {
  /** Whether it is being saved. */
  get busy(): boolean {
    return this._busy;
  }

  /** Why it could not be saved, in words; null when nothing is wrong. */
  get error(): string | null {
    return this._error;
  }

  /** Whether a person has tried to save it: only then is said what is still missing. */
  get tried(): boolean {
    return this._tried;
  }

  /** Whether something has to be seen before it is saved, and is not there yet. */
  get waiting(): boolean {
    return false;
  }

  /** Whether a person has given something that would be lost with the dialog. */
  get isChanged(): boolean {
    return false;
  }

  /** Whether it was asked if the dialog may be closed without saving. */
  get isLeaving(): boolean {
    return this._isLeaving;
  }

  /** Whether the dialog may be closed: never while it is saved, and asks once about changes. */
  mayLeave(): boolean {
    if (this._busy) {
      return false;
    }
    if (this._isLeaving || !this.isChanged) {
      return true;
    }
    this._isLeaving = true;
    this.stateChanged.emit();
    return false;
  }

  /** Something more was given: it is asked again before that is lost. */
  stay(): void {
    if (this._isLeaving) {
      this._isLeaving = false;
      this.stateChanged.emit();
    }
  }

  /** Whether it can be saved as it is. */
  abstract get isComplete(): boolean;

  /** Saves it; resolves to whether the dialog has nothing more to show. */
  async submit(): Promise<boolean> {
    if (this._busy || this.waiting) {
      return false;
    }
    this._tried = true;
    this._isLeaving = false;
    if (!this.isComplete) {
      this.stateChanged.emit();
      return false;
    }
    this._busy = true;
    this._error = null;
    this.stateChanged.emit();
    try {
      return await this.save();
    } catch (reason) {
      this._error = reason instanceof Error ? reason.message : String(reason);
      return false;
    } finally {
      this._busy = false;
      if (!this.isDisposed) {
        this.stateChanged.emit();
      }
    }
  }

  /** Saves what is complete; its failure becomes `error`. */
  protected abstract save(): Promise<boolean>;

  private _busy = false;
  private _error: string | null = null;
  private _tried = false;
  private _isLeaving = false;
}

export interface IFormDialogOptions<T extends FormModel> {
  title: string;
  form: T;
  /** Draws the form; drawn again with each change of it. */
  render: () => JSX.Element;
  /** The word on the button that saves. */
  accept: string;
  /** The word on the other one. */
  cancel?: string;
  /** What has the focus at first. */
  focus?: string;
  /** Whether Enter outside of the fields cancels; it saves without. */
  cancelsByDefault?: boolean;
  /** What is read aloud while it is saved. */
  saving?: string;
  trans: TranslationBundle;
}

/** Shows the form; resolves when it is closed to whether it was saved. */
export async function showForm<T extends FormModel>(
  options: IFormDialogOptions<T>
): Promise<boolean> {
  // Owned by itself: it is disposed of when it has closed.
  // eslint-disable-next-line jupyter/require-disposable-ownership
  const dialog = new FormDialog(options);
  await dialog.launch();
  options.form.dispose();
  return dialog.isSaved;
}

/** See the module. */
export class FormDialog<T extends FormModel> extends QuietDialog<unknown> {
  constructor(options: IFormDialogOptions<T>) {
    const { title, form, render, accept, cancel, focus, cancelsByDefault, trans } = options;
    const saving = options.saving ?? trans.__('Saving…');
    super({
      title,
      body: ReactWidget.create(
        <FormBody form={form} render={render} saving={saving} trans={trans} />
      ),
      buttons: [
        Dialog.cancelButton({ label: cancel ?? trans.__('Cancel') }),
        Dialog.okButton({ label: accept })
      ],
      defaultButton: cancelsByDefault ? 0 : undefined,
      focusNodeSelector: focus ?? 'input, select, textarea',
      hasClose: true
    });
    this._form = form;
    this.addClass('jp-SnapshotsForm-dialog');
    form.stateChanged.connect(this._onForm, this);
  }

  /** Whether it was closed because everything was saved. */
  get isSaved(): boolean {
    return this._isSaved;
  }

  resolve(index?: number): void {
    if (index === 0) {
      super.resolve(index);
      return;
    }
    void this._submit();
  }

  /** For Escape and the sign in the corner, which are pressed by mistake more often than Cancel. */
  reject(): void {
    if (this._form.mayLeave()) {
      super.reject();
    }
  }

  handleEvent(event: Event): void {
    if (event.type === 'click' && !this._isInside(event.target)) {
      // Beside the dialog: not worth what was filled in.
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    super.handleEvent(event);
  }

  dispose(): void {
    this._form.stateChanged.disconnect(this._onForm, this);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // After the dialog's own look at the fields, which comes first.
    this.node.addEventListener('input', this._onInput);
  }

  private async _submit(): Promise<void> {
    // A date that is half typed has no value yet: nobody wants it saved as none.
    const unfinished = this.node.querySelector<HTMLInputElement>('input:invalid');
    if (unfinished) {
      unfinished.focus();
      unfinished.reportValidity();
      return;
    }
    if (await this._form.submit()) {
      this._isSaved = true;
      if (!this.isDisposed) {
        // Not the other button: the dialog does not let it through after an input that was wrong.
        super.resolve(0);
      }
    } else if (!this.isDisposed) {
      // After it was drawn: to the first field that is not right, or else to what is wrong.
      setTimeout(() => {
        const wrong = this.node.querySelector<HTMLElement>('[aria-invalid="true"]');
        (wrong ?? this.node.querySelector<HTMLElement>('.jp-SnapshotsForm-error'))?.focus();
      }, 0);
    }
  }

  private _isInside(target: EventTarget | null): boolean {
    const content = this.node.querySelector('.jp-Dialog-content');
    return target instanceof Node && content !== null && content.contains(target);
  }

  private readonly _onInput = () => {
    this._form.stay();
    this._onForm();
  };

  /** What is missing is told when one tries to save; until then the button stays. */
  private _onForm(): void {
    const button = this.node.querySelector<HTMLButtonElement>('.jp-Dialog-footer .jp-mod-accept');
    if (button) {
      button.disabled = this._form.busy || this._form.waiting;
    }
    // After it was drawn again.
    setTimeout(() => this._keepFocus(), 0);
  }

  /** What had the focus may not be usable any more; without a focus the dialog hears no key. */
  private _keepFocus(): void {
    if (this.isAttached && document.activeElement === document.body) {
      const body = this.node.querySelector('.jp-SnapshotsForm');
      // Not a button: a key that is held down would press it.
      (body?.querySelector<HTMLElement>(FIELDS) ?? (body as HTMLElement | null))?.focus();
    }
  }

  private readonly _form: T;
  private _isSaved = false;
}

interface IFormBodyProps {
  form: FormModel;
  render: () => JSX.Element;
  saving: string;
  trans: TranslationBundle;
}

function FormBody({ form, render, saving, trans }: IFormBodyProps): JSX.Element {
  useModel(form);
  return (
    <div className="jp-SnapshotsForm" tabIndex={-1}>
      {render()}
      {form.error && (
        <p className="jp-SnapshotsForm-error" role="alert" tabIndex={-1}>
          {form.error}
        </p>
      )}
      <span className="jp-SnapshotsHidden" role="status">
        {form.busy ? saving : ''}
      </span>
      {form.isLeaving && (
        <p className="jp-SnapshotsForm-error" role="alert">
          {trans.__('What you changed is not saved. Close this once more to discard it.')}
        </p>
      )}
    </div>
  );
}
