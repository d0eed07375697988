import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import React from 'react';
import { Details } from '../dialogs/details';
import { snapshot } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');

it('should say in words what is missing', () => {
  const problems = [
    { path: 'lab/secret.txt', reason: 'unreadable' },
    { path: 'a\u202etxt.exe', reason: 'new_reason' }
  ];
  const detail = { ...snapshot('ada', 'week-1'), parent: null, includeHidden: false, problems };
  render(<Details detail={detail} timeZone="UTC" trans={trans} />);
  const cells = screen.getAllByRole('cell').map(cell => cell.textContent);
  expect(cells).toEqual([
    'lab/secret.txt',
    'could not be read',
    '\u2068a\ufffdtxt.exe\u2069',
    'new_reason'
  ]);
});
