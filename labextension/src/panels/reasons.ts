/** What a capture noted about a file, in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

/** The words for a reason of the service; an unknown reason stands for itself. */
export function reasonText(reason: string, trans: TranslationBundle): string {
  switch (reason) {
    case 'changed':
      return trans.__('was changed while the snapshot was taken');
    case 'changed_type':
      return trans.__('became something else while the snapshot was taken');
    case 'foreign_hard_link':
      return trans.__('belongs to somebody else');
    case 'other_file_system':
      return trans.__('is on another file system');
    case 'partial':
      return trans.__('could not be copied as a whole');
    case 'special':
      return trans.__('is a device, socket or pipe, which a snapshot does not hold');
    case 'too_deep':
      return trans.__('is in too many folders');
    case 'too_large':
      return trans.__('is larger than the course allows');
    case 'unreadable':
      return trans.__('could not be read');
    case 'vanished':
      return trans.__('vanished while the snapshot was taken');
    default:
      return reason;
  }
}
