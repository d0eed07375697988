/** The section with the students of the course. */

import { PanelWithToolbar, ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { StudentsBody } from './body';
import type { IStudentsProps } from './body';

/** See the module. */
export class StudentsPanel extends PanelWithToolbar {
  constructor(options: IStudentsProps) {
    super();
    this.addClass('jp-SnapshotsStudents');
    this.title.label = options.trans.__('Students');
    const body = ReactWidget.create(<StudentsBody {...options} />);
    body.addClass('jp-SnapshotsSection-body');
    this.addWidget(body);
  }
}
