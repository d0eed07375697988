import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { Notification } from '@jupyterlab/apputils';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { ApiError } from '../api';
import type { SnapshotsApi } from '../api';
import { Reports, returnReports } from '../dialogs/returnReports';
import { ReportsModel, reportsTrouble } from '../dialogs/reportsModel';
import type { SnapshotsModel } from '../model';
import { DamagedZip, TooMuch } from '../reports';

const trans = nullTranslator.load('jupyterhub_snapshots');

function makeApi() {
  return {
    checkReports: jest.fn((_: string, files: string[]) =>
      Promise.resolve(
        files.map(file => ({
          file,
          student: file.startsWith('ada') ? 'ada' : null,
          reportName: file.startsWith('ada') ? file.replace('ada_', '') : null,
          problem: file.startsWith('ada') ? null : 'unknown_student',
          message: file.startsWith('ada') ? null : 'No student is called so.'
        }))
      )
    ),
    returnReport: jest.fn((_c: string, _s: string, _f: Blob, name: string) => Promise.resolve(name))
  };
}

function show(student?: string) {
  const api = makeApi();
  const reports = new ReportsModel({
    api: api as unknown as SnapshotsApi,
    course: 'phys101',
    names: new Map([
      ['ada', 'ada'],
      ['bo', 'bo']
    ]),
    student,
    trans
  });
  render(<Reports reports={reports} trans={trans} />);
  return { api, reports };
}

const files = (...paths: string[]) => paths.map(path => ({ path, file: new Blob(['x']) }));

describe('Reports', () => {
  it('should show who gets what, problems first, and send only what is chosen', async () => {
    const user = userEvent.setup();
    const { api, reports } = show();
    await act(() => reports.check(files('ada_1.html', 'nobody.html', 'ada_2.html')));
    expect(screen.getAllByRole('row').map(row => row.textContent)).toEqual([
      'FileStudentBecomes',
      'nobody.html–No student is called so.',
      'ada_1.htmlada1.html',
      'ada_2.htmlada2.html'
    ]);
    expect(screen.getByRole('checkbox', { name: 'Return nobody.html' })).toBeDisabled();
    await user.click(screen.getByRole('checkbox', { name: 'Return ada_1.html' }));
    await user.click(screen.getByRole('button', { name: 'Return 1 File' }));
    await waitFor(() => expect(reports.phase).toBe('done'));
    expect(api.returnReport).toHaveBeenCalledTimes(1);
    expect(api.returnReport).toHaveBeenCalledWith('phys101', 'ada', expect.anything(), '2.html');
    expect(screen.getByRole('status')).toHaveTextContent('1 file was returned.');
  });

  it('should try again what failed, and nothing else', async () => {
    const user = userEvent.setup();
    const { api, reports } = show();
    api.returnReport.mockRejectedValueOnce(new ApiError('The home is full.', 'storage_full', 507));
    await act(() => reports.check(files('ada_1.html', 'ada_2.html')));
    await user.click(screen.getByRole('button', { name: 'Return 2 Files' }));
    expect(await screen.findByText('The home is full.')).toBeInTheDocument();
    expect(screen.getByRole('status')).toHaveTextContent(
      '1 file was returned. 1 failed; its row says why.'
    );
    await user.click(screen.getByRole('button', { name: 'Retry Failed' }));
    await waitFor(() => expect(reports.progress).toEqual({ total: 2, returned: 2, failed: 0 }));
    expect(api.returnReport.mock.calls.map(call => call[3])).toEqual([
      '1.html',
      '2.html',
      '1.html'
    ]);
  });

  it('should stop after the file under way when it is cancelled', async () => {
    const user = userEvent.setup();
    const { api, reports } = show();
    let finish: (name: string) => void = () => undefined;
    api.returnReport.mockImplementationOnce(() => new Promise(resolve => (finish = resolve)));
    await act(() => reports.check(files('ada_1.html', 'ada_2.html', 'ada_3.html')));
    await user.click(screen.getByRole('button', { name: 'Return 3 Files' }));
    expect(screen.getByRole('progressbar')).toHaveAttribute('max', '3');
    await user.click(screen.getByRole('button', { name: 'Cancel' }));
    await act(async () => finish('1.html'));
    expect(screen.getByRole('status')).toHaveTextContent('1 file was returned. 2 were cancelled.');

    await user.click(screen.getByRole('button', { name: 'Continue' }));
    await waitFor(() => expect(reports.progress).toEqual({ total: 3, returned: 3, failed: 0 }));
    expect(api.returnReport).toHaveBeenCalledTimes(3);
    expect(screen.queryByRole('button', { name: 'Continue' })).toBeNull();
  });

  it('should not choose what seems to be for somebody else', async () => {
    const user = userEvent.setup();
    const { api, reports } = show('ada');
    await act(() => reports.check(files('1.html', 'bo_1.html')));
    expect(screen.getByRole('checkbox', { name: 'Return ada/bo_1.html' })).not.toBeChecked();
    expect(screen.getByText(/its name or folder is that of bo/)).toBeInTheDocument();
    await user.click(screen.getByRole('checkbox', { name: 'Return ada/bo_1.html' }));
    await user.click(screen.getByRole('button', { name: 'Return 2 Files' }));
    await waitFor(() => expect(api.returnReport).toHaveBeenCalledTimes(2));
  });

  it('should say why nothing can be checked, and let choose again', async () => {
    const { api, reports } = show();
    await act(() => reports.check(files()));
    expect(screen.getByRole('alert')).toHaveTextContent('There is no file');
    api.checkReports.mockRejectedValueOnce(
      new ApiError('The service is down.', 'service_down', 502)
    );
    await act(() => reports.check(files('ada_1.html')));
    expect(screen.getByRole('alert')).toHaveTextContent('The service is down.');
    expect(screen.getByRole('button', { name: 'Choose a Folder…' })).toBeEnabled();
  });
});

describe('returnReports', () => {
  it('should go on when the dialog is closed, and tell the end', async () => {
    const user = userEvent.setup();
    const api = makeApi();
    const ends: ((name: string) => void)[] = [];
    api.returnReport.mockImplementation(() => new Promise(resolve => ends.push(resolve)));
    const model = {
      api,
      course: { code: 'phys101', title: 'Physics' },
      isInstructor: true,
      students: []
    } as unknown as SnapshotsModel;
    const closed = returnReports({ model, trans, files: files('ada_1.html', 'ada_2.html') });
    await user.click(await screen.findByText('Return 2 Files'));
    await user.keyboard('{Escape}');
    await closed;
    const told = () =>
      Notification.manager.notifications.map(({ type, message }) => [type, message]);
    expect(told()).toEqual([
      ['in-progress', 'Return Reports to Physics: files are still being returned.']
    ]);

    ends[0]('1.html');
    await waitFor(() => expect(ends).toHaveLength(2));
    ends[1]('2.html');
    await waitFor(() =>
      expect(told()).toEqual([['success', 'Return Reports to Physics: 2 files were returned.']])
    );
    Notification.dismiss();
  });
});

test('why files can not be returned is told in words', () => {
  const words = (reason: Error) => reportsTrouble(reason, trans);
  expect(words(new TooMuch('files'))).toBe(
    'These are more than 5000 files. Return them in several goes.'
  );
  expect(words(new TooMuch('bytes'))).toMatch('larger than 500 MB');
  expect(words(new DamagedZip('a.zip'))).toMatch('a.zip is not a zip');
  expect(words(new Error('Else.'))).toBe('Else.');
});
