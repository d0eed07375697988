/** The section with the assignments of the course. */

import {
  CommandToolbarButton,
  PanelWithToolbar,
  ReactWidget,
  Toolbar
} from '@jupyterlab/ui-components';
import React from 'react';
import { CommandIDs } from '../../tokens';
import { AssignmentsBody } from './body';
import type { IAssignmentsProps } from './body';

/** See the module. */
export class AssignmentsPanel extends PanelWithToolbar {
  constructor(options: IAssignmentsProps) {
    super();
    const { app, trans } = options;
    this.addClass('jp-SnapshotsAssignments');
    this.title.label = trans.__('Assignments');
    this.toolbar.node.setAttribute('aria-label', trans.__('Assignments'));
    this.toolbar.addItem('spacer', Toolbar.createSpacerItem());
    for (const id of [CommandIDs.newAssignment, CommandIDs.openGrid]) {
      this.toolbar.addItem(id, new CommandToolbarButton({ commands: app.commands, id, label: '' }));
    }
    const body = ReactWidget.create(<AssignmentsBody {...options} />);
    body.addClass('jp-SnapshotsSection-body');
    this.addWidget(body);
  }
}
