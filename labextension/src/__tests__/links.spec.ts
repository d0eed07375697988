import { download, drivePath, Links, placeOf } from '../links';
import { INA } from './samples';

const links = new Links('http://hub/user/ina/');
links.me = INA;
const PLACE = { course: 'math', student: 'ada', snapshot: 'week-1_2026-11-21', path: '' };
const API = 'http://hub/user/ina/jupyterhub-snapshots/api/v1';

test('an instructor reads the class, a student the own snapshots', () => {
  expect(links.snapshotApi('math', 'ada', 'w_2026-01-01')).toBe(
    'instructors/ina/courses/math/students/ada/snapshots/w_2026-01-01'
  );
  expect(links.snapshotApi('writing', 'ina', 'w_2026-01-01')).toBe(
    'users/me/courses/writing/snapshots/w_2026-01-01'
  );
});

test('of a course one is not in, a student is the least one can be', () => {
  expect(links.isOwn('elsewhere')).toBe(true);
  const admin = new Links('http://hub/');
  admin.me = { username: 'root', admin: true, courses: [] };
  expect(admin.isOwn('elsewhere')).toBe(false);
  expect(new Links('http://hub/').isOwn('math')).toBe(true);
});

test('names are encoded, one component each', () => {
  const place = { ...PLACE, student: 'bo chen@uni', path: 'a b/ü#?.ipynb' };
  expect(links.fileUrl(place)).toBe(
    `${API}/instructors/ina/courses/math/students/bo%20chen%40uni/snapshots/week-1_2026-11-21/files/a%20b/%C3%BC%23%3F.ipynb`
  );
  expect(links.snapshotApi('math', 'a/b', 'x')).toContain('/students/a%2Fb/');
});

test.each(['..', '.', ''])('%j is never part of an address', bad => {
  expect(() => links.snapshotApi('math', bad, 'x')).toThrow();
  expect(() => links.snapshotApi('math', 'ada', bad)).toThrow();
  expect(() => links.fileUrl({ ...PLACE, path: `a/${bad}/b` })).toThrow();
});

test('zips: of a snapshot, of a folder, of the class', () => {
  const snapshot = `${API}/instructors/ina/courses/math/students/ada/snapshots/week-1_2026-11-21`;
  expect(links.archiveUrl(PLACE)).toBe(`${snapshot}/archive.zip`);
  expect(links.archiveUrl({ ...PLACE, path: 'a/b & c' })).toBe(
    `${snapshot}/archive.zip?path=a%2Fb%20%26%20c`
  );
  const course = `${API}/instructors/ina/courses/math/archive.zip`;
  expect(links.classArchiveUrl('math', 'w')).toBe(`${course}?name=w`);
  expect(links.classArchiveUrl('math', 'w', { layout: 'plain', assignment: 'ps1' })).toBe(
    `${course}?name=w`
  );
  expect(
    links.classArchiveUrl('math', 'w', {
      layout: 'nbgrader',
      assignment: 'ps 1',
      students: ['ada', 'bo']
    })
  ).toBe(`${course}?name=w&layout=nbgrader&assignment=ps%201&students=ada%2Cbo`);
});

test('a path of the drive and its place', () => {
  expect(drivePath(PLACE)).toBe('Snapshots:math/ada/week-1_2026-11-21');
  const deep = { ...PLACE, path: 'a/b.ipynb' };
  expect(drivePath(deep)).toBe('Snapshots:math/ada/week-1_2026-11-21/a/b.ipynb');
  expect(placeOf(drivePath(deep))).toEqual(deep);
  expect(placeOf('math/ada/week-1_2026-11-21/')).toEqual(PLACE);
  expect(placeOf('Snapshots:math/ada')).toBeNull();
  expect(placeOf('')).toBeNull();
});

test('a download is a link that the browser follows by itself', () => {
  const clicked: string[] = [];
  const onClick = (event: Event) => {
    const link = event.target as HTMLAnchorElement;
    clicked.push(`${link.href} ${link.hasAttribute('download')}`);
    event.preventDefault();
  };
  document.addEventListener('click', onClick);
  download('http://hub/x.zip');
  document.removeEventListener('click', onClick);
  expect(clicked).toEqual(['http://hub/x.zip true']);
  expect(document.querySelector('a')).toBeNull();
});

test('a username that is a number is not taken for an id', () => {
  const links = new Links('/user/ina/');
  links.me = INA;
  links.idOf = (course, student) => (course === 'math' && student === '7' ? 31 : null);
  expect(links.studentApi('math', '7')).toBe('instructors/ina/courses/math/students/31');
  expect(links.studentApi('math', '8')).toBe('instructors/ina/courses/math/students/8');
  expect(links.studentApi('math', 'ada')).toBe('instructors/ina/courses/math/students/ada');
});

test.each([
  ['caf\udce9', 'caf%E9'],
  ['\udc80\udcff', '%80%FF'],
  ['👍\udce9', '%F0%9F%91%8D%E9'],
  ['🂀', '%F0%9F%82%80'],
  ['100 %', '100%20%25'],
  ['%E9', '%25E9']
])('the name %j becomes %s, as the bytes it is', (name, encoded) => {
  const place = { ...PLACE, path: `a/${name}` };
  expect(links.fileUrl(place).endsWith(`/files/a/${encoded}`)).toBe(true);
  expect(links.archiveUrl(place).endsWith(`?path=a%2F${encoded}`)).toBe(true);
});
