import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { renderToString } from 'react-dom/server';
import { takeSnapshot, TakeForm, toRequest } from '../dialogs/takeSnapshot';
import type { ITakeForm } from '../dialogs/takeSnapshot';
import { DownloadForm } from '../dialogs/downloadClass';
import type { SnapshotsModel } from '../model';
import { INA, nameRow, student } from './samples';

const trans = nullTranslator.load('jupyterhub_snapshots');
const ADA = student('ada', { firstName: 'Ada', lastName: 'Lovelace' });
const BO = student('bo', { firstName: 'Bo', lastName: 'Chen', active: false });
const CY = student('cy', { firstName: 'Cy', lastName: 'Aziz' });

describe('the form for a snapshot', () => {
  test('previews the name and checks what is missing', async () => {
    let form: ITakeForm = { text: '', chosen: null, includeHidden: false };
    render(
      <TakeForm
        courseTitle="Physics"
        timeZone="UTC"
        students={[ADA, BO, CY]}
        taken={new Set()}
        trans={trans}
        initial={form}
        onChange={next => {
          form = next;
        }}
      />
    );
    const user = userEvent.setup();
    const name = screen.getByLabelText('Name');
    expect(name).toBeInvalid();
    expect(screen.getByText('The whole class (2 students)')).toBeInTheDocument();
    await user.type(name, 'Übung 1');
    expect(name).toBeValid();
    expect(screen.getByText(/^ubung-1_\d{4}-\d\d-\d\d$/)).toBeInTheDocument();
    expect(toRequest(form, 'UTC')).toEqual({ name: 'Übung 1', includeHidden: false });

    fireEvent.click(screen.getByText('Chosen students…'));
    expect(toRequest(form, 'UTC')).toBeNull();
    await user.type(screen.getByRole('searchbox'), 'cy');
    fireEvent.click(screen.getByText('Choose those shown'));
    fireEvent.click(screen.getByText('Hidden files, too'));
    expect(toRequest(form, 'UTC')).toEqual({
      name: 'Übung 1',
      includeHidden: true,
      students: ['cy']
    });
  });

  test('draws a large class not all at once', async () => {
    const students = Array.from({ length: 500 }, (_, index) => student(`s${index}`));
    const options = { courseTitle: 'Physics', timeZone: 'UTC', taken: new Set<string>(), trans };
    const initial = { text: '', chosen: new Set<string>(), includeHidden: false };
    const first = renderToString(
      <TakeForm {...options} students={students} initial={initial} onChange={() => undefined} />
    );
    expect(first.match(/<li/g)).toHaveLength(30);
    render(
      <TakeForm {...options} students={students} initial={initial} onChange={() => undefined} />
    );
    await waitFor(() => expect(document.querySelectorAll('li')).toHaveLength(500));
  });

  test('is shown again as it was when the service refuses', async () => {
    const take = jest
      .fn()
      .mockRejectedValueOnce(new Error('The disk is full.'))
      .mockResolvedValueOnce({});
    const model = {
      course: INA.courses[0],
      students: [ADA, CY],
      names: null,
      batches: { take }
    } as unknown as SnapshotsModel;
    const user = userEvent.setup();
    const done = takeSnapshot(model, trans, ['cy']);
    await user.type(await screen.findByLabelText('Name'), 'Week 1');
    const accept = () => document.querySelector('.jp-Dialog .jp-mod-accept')!;
    await waitFor(() => expect(accept()).toBeEnabled());
    await user.click(accept());
    expect(await screen.findByText(/The disk is full/)).toHaveAttribute('role', 'alert');
    expect(screen.getByLabelText('Name')).toHaveValue('Week 1');
    expect(screen.getByText('1 chosen student')).toBeInTheDocument();
    await waitFor(() => expect(accept()).toBeEnabled());
    await user.click(accept());
    await done;
    const wanted = { name: 'Week 1', includeHidden: false, students: ['cy'] };
    expect(take.mock.calls).toEqual([
      ['math', wanted],
      ['math', wanted]
    ]);
  });

  test('a download asks for an assignment only in nbgrader’s layout', async () => {
    const onChange = jest.fn();
    render(
      <DownloadForm
        names={{ students: 20, snapshots: [nameRow('ps-1_2026-11-01', { taken: 17 })] }}
        initial={{ name: 'ps-1_2026-11-01', layout: 'plain', assignment: '' }}
        trans={trans}
        onChange={onChange}
      />
    );
    expect(screen.getByText(/^17 of 20 students/)).toBeInTheDocument();
    expect(screen.queryByLabelText('Assignment')).toBeNull();
    const user = userEvent.setup();
    fireEvent.click(screen.getByLabelText(/nbgrader/));
    expect(screen.getByText('submitted/ada/ps-1/…')).toBeInTheDocument();
    await user.type(screen.getByLabelText('Assignment'), 'x');
    expect(onChange).toHaveBeenLastCalledWith(
      expect.objectContaining({ layout: 'nbgrader', assignment: 'x' })
    );
  });
});
