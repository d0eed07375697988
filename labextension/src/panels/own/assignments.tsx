/** The section of the panel with a student's own assignments. */

import {
  addToolbarButtonClass,
  ellipsesIcon,
  PanelWithToolbar,
  ReactWidget,
  ToolbarButtonComponent
} from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import React from 'react';
import { OwnCommandIDs } from '../../ownTokens';
import type { IOwnAssignment } from '../../ownTokens';
import { useModel, useNow } from '../hooks';
import { openMenu } from '../menu';
import { Message, TextButton } from '../state';
import { AssignedItem } from './assignment';
import type { IAssignedProps } from './assignment';
import { inOrder } from './standing';

/** See the module. */
export class AssignedPanel extends PanelWithToolbar {
  constructor(options: IAssignedProps) {
    super();
    const { commands, trans } = options;
    this.addClass('jp-SnapshotsAssigned');
    this.title.label = trans.__('Assignments');
    this.toolbar.node.setAttribute('aria-label', trans.__('Assignments toolbar'));
    const more: Widget = addToolbarButtonClass(
      ReactWidget.create(
        <ToolbarButtonComponent
          icon={ellipsesIcon}
          tooltip={trans.__('More about assignments')}
          aria-haspopup="menu"
          onClick={() => {
            const { left, bottom } = more.node.getBoundingClientRect();
            openMenu(commands, [{ command: OwnCommandIDs.openHidden }], left, bottom);
          }}
        />
      )
    );
    this.toolbar.addItem('more', more);
    const body = ReactWidget.create(<Assigned {...options} />);
    body.addClass('jp-SnapshotsAssigned-body');
    this.addWidget(body);
  }
}

/** The list, or what stands in its place. */
export function Assigned(props: IAssignedProps): JSX.Element {
  const { model, own, trans } = props;
  useModel(model);
  useModel(own);
  useNow(model.api.clock); // Draws again each minute.
  const { course } = model;
  if (!course) {
    return <Message kind="busy" title={trans.__('Loading…')} />;
  }
  const list = own.of(course.code);
  const problem = own.problemOf(course.code);
  const again = (
    <TextButton label={trans.__('Try Again')} onClick={() => void own.load(course.code)} />
  );
  if (!list) {
    return problem ? (
      <Message
        kind="error"
        title={trans.__('Your assignments can’t be shown')}
        text={problem.message}
        actions={again}
      />
    ) : (
      <Message kind="busy" title={trans.__('Loading…')} />
    );
  }
  const now = model.api.clock.now();
  const hasClock = ({ id }: IOwnAssignment) => own.leftOf(course.code, id) !== null;
  return (
    <>
      {problem && (
        <div className="jp-SnapshotsNotices-error" role="alert">
          <span>{trans.__('This may be old: %1', problem.message)}</span>
          {again}
        </div>
      )}
      {list.length ? (
        <ul className="jp-SnapshotsAssigned-list" aria-label={trans.__('My assignments')}>
          {inOrder(list, hasClock).map(assignment => (
            <AssignedItem
              key={assignment.id}
              {...props}
              assignment={assignment}
              course={course}
              now={now}
            />
          ))}
        </ul>
      ) : (
        <Message
          title={trans.__('No assignments yet')}
          text={trans.__(
            'What your instructor sets is listed here with your own deadlines. One that is not listed is opened by its title and password.'
          )}
          actions={
            <TextButton
              label={trans.__('Open a Hidden Assignment…')}
              onClick={() => void props.commands.execute(OwnCommandIDs.openHidden)}
            />
          }
        />
      )}
    </>
  );
}
