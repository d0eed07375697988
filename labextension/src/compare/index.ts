/** Comparing two snapshots of a student, or one file with how it was. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, showErrorMessage } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';
import { compareIcon } from '../icons';
import { isolated, nameOf, TARGET_SCHEMA, targetOf } from '../panels/files/target';
import type { ITarget } from '../panels/files/target';
import { CommandIDs, DRIVE, ISnapshots } from '../tokens';
import type { IPlace, ISnapshot } from '../tokens';
import { ContentComparison } from './content';
import { ComparisonList } from './list';
import { pick } from './pick';
import { inOrder, sidesOf } from './sides';
import type { Side } from './sides';

/** The commands that compare, and the documents they open. */
export const comparePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-snapshots:compare',
  description: 'Compares snapshots of a student, and files with how they were.',
  autoStart: true,
  requires: [ISnapshots, IRenderMimeRegistry, IEditorServices],
  optional: [ITranslator, IEditorLanguageRegistry, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    snapshots: ISnapshots,
    rendermime: IRenderMimeRegistry,
    editorServices: IEditorServices,
    someTranslator: ITranslator | null,
    languages: IEditorLanguageRegistry | null,
    docManager: IDocumentManager | null
  ) => {
    const translator = someTranslator ?? nullTranslator;
    const trans = translator.load('jupyterhub_snapshots');
    const { model } = snapshots;

    const show = (content: Widget, id: string, label: string, caption: string) => {
      const widget = new MainAreaWidget({ content });
      widget.id = id;
      widget.title.label = label;
      widget.title.caption = caption;
      widget.title.icon = compareIcon;
      widget.title.closable = true;
      widget.toolbar.hide();
      app.shell.add(widget, 'main');
      app.shell.activateById(widget.id);
    };

    /** Goes to what is open already instead of opening it twice. */
    const isOpen = (id: string) => {
      const found = [...app.shell.widgets('main')].some(widget => widget.id === id);
      if (found) {
        app.shell.activateById(id);
      }
      return found;
    };

    const openContents = (sides: [Side, Side], path: string) => {
      const id = `jp-SnapshotsContents:${JSON.stringify(sides)}`;
      if (isOpen(id)) {
        return;
      }
      const content = new ContentComparison({
        model,
        sides,
        path,
        rendermime,
        editorFactory: options => editorServices.factoryService.newInlineEditor(options),
        languages,
        translator,
        trans
      });
      const name = path.slice(path.lastIndexOf('/') + 1);
      show(content, id, trans.__('Compare %1', isolated(name)), path);
    };

    const openList = (place: IPlace, base: string) => {
      const id = `jp-SnapshotsComparison:${JSON.stringify([place, base])}`;
      if (isOpen(id)) {
        return;
      }
      const content = new ComparisonList({
        model,
        trans,
        place,
        base,
        open: difference => openContents(sidesOf(difference, place, base), difference.path)
      });
      const caption = trans.__('%1: from %2 to %3', place.student, base, place.snapshot);
      show(content, id, trans.__('Compare %1', place.student), caption);
    };

    const othersOf = (place: IPlace): Promise<ISnapshot[]> =>
      place.course === model.course?.code
        ? model.loadSnapshots(place.student)
        : model.api.snapshots(place.course, place.student);

    const compareSnapshots = async (args: ReadonlyPartialJSONObject) => {
      const { course, student, snapshot, base } = args as { [name: string]: string };
      const place = { course, student, snapshot, path: '' };
      const others = await othersOf(place);
      let with_ = typeof base === 'string' ? base : null;
      if (with_ === null) {
        const choice = await pick({ place, snapshots: others, withFile: false, trans });
        with_ = choice?.kind === 'snapshot' ? choice.name : null;
      }
      if (with_ !== null) {
        const [older, newer] = inOrder(others, with_, place.snapshot);
        openList({ ...place, snapshot: newer }, older);
      }
    };

    const compareFile = async ({ place }: ITarget) => {
      const others = await othersOf(place);
      const choice = await pick({ place, snapshots: others, withFile: docManager !== null, trans });
      if (choice?.kind === 'snapshot') {
        const [older, newer] = inOrder(others, choice.name, place.snapshot);
        const side = (snapshot: string): Side => ({
          kind: 'snapshot',
          place: { ...place, snapshot }
        });
        openContents([side(older), side(newer)], place.path);
      } else if (choice && docManager) {
        const path = await chooseOwn(docManager, place);
        if (path !== null) {
          openContents(
            [
              { kind: 'snapshot', place },
              { kind: 'file', path }
            ],
            place.path
          );
        }
      }
    };

    /** The path of one file of one's own. */
    const chooseOwn = async (manager: IDocumentManager, place: IPlace) => {
      const chosen = await FileDialog.getOpenFiles({
        manager,
        title: trans.__('Compare %1 with…', isolated(place.path)),
        label: trans.__('Choose a file in your files.'),
        translator
      });
      const file = chosen.value?.[0];
      if (!chosen.button.accept || !file) {
        return null;
      }
      const { contents } = app.serviceManager;
      if (file.type === 'directory' || contents.driveName(file.path) === DRIVE) {
        throw new Error(trans.__('Choose a file in your files, not a folder.'));
      }
      return contents.localPath(file.path);
    };

    const orTell = async (work: Promise<void>) => {
      try {
        await work;
      } catch (reason) {
        void showErrorMessage(trans.__('The comparison did not work'), reason as Error);
      }
    };

    app.commands.addCommand(CommandIDs.compareSnapshots, {
      label: trans.__('Compare with…'),
      caption: trans.__('Show what changed between two snapshots of a student'),
      icon: compareIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            course: { type: 'string', description: 'Code of the course' },
            student: { type: 'string', description: 'Username of the student' },
            snapshot: { type: 'string', description: 'Full name of the snapshot' },
            base: { type: 'string', description: 'Full name of the other one; asked if left out' }
          },
          required: ['course', 'student', 'snapshot']
        }
      },
      isEnabled: args => Boolean(args.course && args.student && args.snapshot),
      execute: args => orTell(compareSnapshots(args))
    });

    const fileOf = (args: ReadonlyPartialJSONObject) => {
      const target = targetOf(app, args);
      return target?.type === 'file' ? target : null;
    };
    app.commands.addCommand(CommandIDs.compareFile, {
      label: trans.__('Compare with…'),
      caption: args => {
        const target = fileOf(args);
        return target
          ? trans.__('Compare %1 with how it was or is elsewhere', isolated(nameOf(target)))
          : trans.__('Compare a file of a snapshot with how it was or is elsewhere');
      },
      icon: compareIcon,
      describedBy: { args: TARGET_SCHEMA },
      isEnabled: args => fileOf(args) !== null,
      isVisible: args => fileOf(args) !== null,
      execute: async args => {
        const target = fileOf(args);
        if (target) {
          await orTell(compareFile(target));
        }
      }
    });
  }
};
