/** The section with the snapshots of the class, by name. */

import { PanelWithToolbar, ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import { NamesBody } from './body';
import type { INamesProps } from './body';

/** See the module. */
export class NamesPanel extends PanelWithToolbar {
  constructor(options: INamesProps) {
    super();
    this.addClass('jp-SnapshotsNames');
    this.title.label = options.trans.__('Snapshots');
    const body = ReactWidget.create(<NamesBody {...options} />);
    body.addClass('jp-SnapshotsSection-body');
    this.addWidget(body);
  }
}
