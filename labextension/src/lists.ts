/** The lists of one course: its students, its snapshots by name, and what was opened of both. */

import type { SnapshotsApi } from './api';
import { LazyLists } from './lazy';
import type { ICourse, INames, IPlace, ISnapshot, IStudentRow } from './tokens';

/** See the module; empty until something was loaded. */
export class CourseLists {
  /**
   * @param _api Where opened lists come from.
   * @param code Code of the course that is shown; throws when there is none.
   * @param changed Told when an opened list has changed.
   */
  constructor(
    private readonly _api: SnapshotsApi,
    code: () => string,
    changed: () => void
  ) {
    this.byStudent = new LazyLists(
      async student => newestFirst(await _api.snapshots(code(), student)),
      changed
    );
    this.byName = new LazyLists(name => _api.snapshotsNamed(code(), name), changed);
  }

  /** Null until they were loaded. */
  students: IStudentRow[] | null = null;
  /** Null until they were loaded. */
  names: INames | null = null;
  readonly byStudent: LazyLists<ISnapshot>;
  readonly byName: LazyLists<ISnapshot>;

  /** Forgets everything, answers under way included. */
  clear(): void {
    this._turn += 1;
    this.students = null;
    this.names = null;
    this.byStudent.clear();
    this.byName.clear();
  }

  /**
   * Loads the lists of a course, for a student the own snapshots.
   *
   * @param touched A snapshot whose lists are old in any case.
   * @returns Whether the answer is shown; not after `clear`, nor when a younger request was
   *   answered before it.
   */
  async load(course: ICourse, username: string, touched: IPlace | null): Promise<boolean> {
    const number = ++this._asked;
    const turn = this._turn;
    const isStale = () => turn !== this._turn || number < this._answered;
    try {
      if (course.role === 'student') {
        await this.byStudent.load(username);
        return !isStale();
      }
      const [students, names] = await Promise.all([
        this._api.students(course.code),
        this._api.names(course.code)
      ]);
      if (isStale()) {
        return false;
      }
      this._answered = number;
      this._take(students, names, touched);
      return true;
    } catch (reason) {
      if (isStale()) {
        return false;
      }
      throw reason;
    }
  }

  /** Puts a changed snapshot into the opened lists. */
  replace(changed: ISnapshot): void {
    const { student, name } = changed;
    this.byStudent.replace(student, each => each.name === name, changed);
    this.byName.replace(name, each => each.student === student, changed);
  }

  /** Takes over new lists, and loads again those opened lists that they show to be old. */
  private _take(students: IStudentRow[], names: INames, touched: IPlace | null): void {
    const before = new Map(this.students?.map(row => [row.username, trace(row)]));
    const now = new Map(students.map(row => [row.username, trace(row)]));
    for (const student of this.byStudent.keys()) {
      if (before.get(student) !== now.get(student) || student === touched?.student) {
        void this.byStudent.reload(student);
      }
    }
    const namesBefore = new Map(this.names?.snapshots.map(row => [row.name, JSON.stringify(row)]));
    const namesNow = new Map(names.snapshots.map(row => [row.name, JSON.stringify(row)]));
    for (const name of this.byName.keys()) {
      if (namesBefore.get(name) !== namesNow.get(name) || name === touched?.snapshot) {
        void this.byName.reload(name);
      }
    }
    this.students = students;
    this.names = names;
  }

  private _turn = 0;
  private _asked = 0;
  private _answered = 0;
}

/** What of a student's row shows that the list of snapshots is another one. */
function trace(row: IStudentRow): string {
  return JSON.stringify([row.snapshots, row.newest]);
}

function newestFirst(snapshots: ISnapshot[]): ISnapshot[] {
  const when = (each: ISnapshot) => each.endedAt ?? each.name.slice(-10);
  return [...snapshots].sort((a, b) => when(b).localeCompare(when(a)));
}
