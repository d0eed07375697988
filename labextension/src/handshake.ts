/** What to tell a person whose panel has nothing to show. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError, NETWORK_ERROR } from './api';
import type { SnapshotsModel } from './model';

/** A title, what to do, and whether trying again may help. */
export interface ITrouble {
  title: string;
  text: string;
  retry: boolean;
}

/** Why there is nothing to show, or null when there is. */
export function trouble(model: SnapshotsModel, trans: TranslationBundle): ITrouble | null {
  const { status, error, me } = model;
  if (status && status.state !== 'ok') {
    return handshake(status.state, status.message, trans);
  }
  if (!model.connected) {
    return error ? failure(error, trans) : null;
  }
  if (me?.courses.length === 0) {
    return {
      title: trans.__('You are in no course with snapshots'),
      text: trans.__(
        'Ask your instructor or the administrator of this hub to add %1 to the course, then try again.',
        me.username
      ),
      retry: true
    };
  }
  return null;
}

function handshake(state: string, message: string, trans: TranslationBundle): ITrouble {
  switch (state) {
    case 'not_configured':
      return {
        title: trans.__('Snapshots are not set up here'),
        text:
          message ||
          trans.__('This server is not told where the snapshot service is. Ask its administrator.'),
        retry: true
      };
    case 'refused':
      return {
        title: trans.__('The snapshot service refused this server'),
        text:
          message ||
          trans.__(
            'Stop and start your server from the hub’s control panel; if that does not help, ask the administrator.'
          ),
        retry: true
      };
    case 'other_version':
      return {
        title: trans.__('The snapshot service is of another version'),
        text:
          message ||
          trans.__(
            'The administrator has to bring both to the same version of jupyterhub-snapshots.'
          ),
        retry: true
      };
    default:
      return {
        title: trans.__('The snapshot service can’t be reached'),
        text:
          message ||
          trans.__('Your files and snapshots are not affected. Try again in a few minutes.'),
        retry: true
      };
  }
}

function failure(error: Error, trans: TranslationBundle): ITrouble {
  if (error instanceof ApiError && error.code === NETWORK_ERROR) {
    return {
      title: trans.__('Your server can’t be reached'),
      text: trans.__('Look whether it still runs and whether you are online, then try again.'),
      retry: true
    };
  }
  if (error instanceof ApiError && error.status === 404) {
    return {
      title: trans.__('Snapshots are not set up here'),
      text: trans.__(
        'The server part of this extension does not run. The administrator enables it with “jupyter server extension enable jupyterhub_snapshots”.'
      ),
      retry: true
    };
  }
  return { title: trans.__('Snapshots could not be loaded'), text: error.message, retry: true };
}
