/** Files that are to be returned to students: what was dropped, what is in zips, whose they are. */

import { unzip } from 'fflate';
import type { IReportCheck, IStudentRow } from './tokens';

/** Most files in one go, as the service has it. */
export const MAX_FILES = 5000;
/** Most bytes in one go, unpacked. */
export const MAX_BYTES = 500 * 1024 * 1024;

/** A file with the path it was dropped or packed under. */
export interface IReturnedFile {
  path: string;
  file: Blob;
}

/** A file whose path begins with the student it is for. */
export interface IAddressedFile extends IReturnedFile {
  /** Username of another student, whose the file seems to be by its name or folder. */
  other?: string;
}

/** More was dropped than can be handled in one go. */
export class TooMuch extends Error {
  constructor(readonly reason: 'files' | 'bytes') {
    super(`Too many ${reason}.`);
  }
}

/** A zip that can't be read. */
export class DamagedZip extends Error {
  constructor(readonly path: string) {
    super(`${path} is not a zip, or is damaged.`);
  }
}

/** Files that systems leave behind and nobody means to return. */
export function isIgnored(path: string): boolean {
  const parts = path.split('/');
  const name = parts[parts.length - 1];
  return (
    parts.includes('__MACOSX') ||
    name.startsWith('._') ||
    ['', '.DS_Store', 'Thumbs.db', 'desktop.ini'].includes(name)
  );
}

/** Plain files with the paths that a chooser of folders gave them. */
export function chosenFiles(files: readonly File[]): IReturnedFile[] {
  return files
    .map(file => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(each => !isIgnored(each.path));
}

/**
 * The files of a drop, folders included.
 *
 * To be called in the handler of the drop itself, before anything is awaited: afterwards the
 * browser has forgotten what was dropped.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<IReturnedFile[]> {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some(entry => entry?.isDirectory)) {
    return chosenFiles([...transfer.files]);
  }
  const found: IReturnedFile[] = [];
  for (const entry of entries) {
    if (entry) {
      await walk(entry, found);
    }
  }
  return found;
}

async function walk(entry: FileSystemEntry, found: IReturnedFile[]): Promise<void> {
  const path = entry.fullPath.replace(/^\/+/, '');
  if (isIgnored(path)) {
    return;
  }
  if (entry.isFile) {
    if (found.length >= MAX_FILES) {
      throw new TooMuch('files');
    }
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject)
    );
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // The browser hands out a hundred at a time; an empty answer is the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (!some.length) {
      return;
    }
    for (const each of some) {
      await walk(each, found);
    }
  }
}

/** Limits of what is handled in one go. */
export interface ILimits {
  files: number;
  bytes: number;
}

/**
 * The same files with zips unpacked; a zip counts as a folder of its name.
 *
 * @throws TooMuch above the limits, DamagedZip
 */
export async function unpack(
  files: readonly IReturnedFile[],
  limits: ILimits = { files: MAX_FILES, bytes: MAX_BYTES }
): Promise<IReturnedFile[]> {
  const found: IReturnedFile[] = [];
  let bytes = 0;
  for (const each of files) {
    const isZip = each.path.toLowerCase().endsWith('.zip');
    const room = { files: limits.files - found.length, bytes: limits.bytes - bytes };
    const some = isZip ? await unzipped(each, room) : [each];
    found.push(...some);
    bytes += some.reduce((sum, one) => sum + one.file.size, 0);
    if (found.length > limits.files) {
      throw new TooMuch('files');
    }
    if (bytes > limits.bytes) {
      throw new TooMuch('bytes');
    }
  }
  return found;
}

async function unzipped({ path, file }: IReturnedFile, room: ILimits): Promise<IReturnedFile[]> {
  if (file.size > room.bytes) {
    throw new TooMuch('bytes');
  }
  const folder = path.replace(/\.zip$/i, '');
  const packed = new Uint8Array(await file.arrayBuffer());
  let count = 0;
  let bytes = 0;
  let excess: TooMuch | null = null;
  const members = await new Promise<{ [name: string]: Uint8Array }>((resolve, reject) => {
    const filter = (member: { name: string; originalSize: number }) => {
      if (excess || member.name.endsWith('/') || isIgnored(member.name)) {
        return false;
      }
      count += 1;
      bytes += member.originalSize;
      if (count > room.files) {
        excess = new TooMuch('files');
      } else if (bytes > room.bytes) {
        excess = new TooMuch('bytes');
      }
      return !excess;
    };
    unzip(packed, { filter }, (error, data) => {
      if (excess) {
        reject(excess);
      } else if (error) {
        reject(new DamagedZip(path));
      } else {
        resolve(data);
      }
    });
  });
  return Object.entries(members).map(([name, content]) => ({
    // Zips of Windows have it the other way round.
    path: `${folder}/${name.replace(/\\/g, '/').replace(/^\/+/, '')}`,
    file: new Blob([content])
  }));
}

/** The usernames of a course's students, by the names under which they are known. */
export function namesOf(students: readonly IStudentRow[] | null): Map<string, string> {
  const names = (students ?? []).flatMap(({ username, canvasId }) =>
    [username, canvasId ?? ''].filter(Boolean).map(name => [composed(name), username] as const)
  );
  return new Map(names);
}

/** The one form of letters that may be written as one sign or as two, as on a Mac. */
function composed(text: string): string {
  return text.normalize('NFC');
}

/**
 * The paths as the service reads them: the student first.
 *
 * Folders above the student's are taken off, as in `feedback/ada/week-1/report.html`. Where no
 * folder is a student's, the folders that all files of the same drop have in common are taken off:
 * `feedback/ada.html`. What is left is for the service to judge.
 *
 * @param student All files are for this one, whatever they are called; `other` tells of those
 *   that are called like somebody else.
 */
export function addressed(
  files: readonly IReturnedFile[],
  names: ReadonlyMap<string, string>,
  student?: string
): IAddressedFile[] {
  const common = commonFolders(files.map(each => each.path));
  return files.map(({ path, file }) => {
    const parts = path.split('/');
    const at = parts.slice(0, -1).findIndex(part => names.has(composed(part)));
    const top = parts[0];
    const rest = at >= 0 ? parts.slice(at) : parts.slice(common.get(top) ?? 0);
    if (student === undefined) {
      return { path: rest.join('/'), file };
    }
    const whose = names.get(composed(at >= 0 ? rest[0] : beginning(rest[rest.length - 1], names)));
    const isOwn = at >= 0 && whose === student;
    return {
      path: [student, ...(isOwn ? rest.slice(1) : rest)].join('/'),
      file,
      ...(whose !== undefined && whose !== student ? { other: whose } : {})
    };
  });
}

/** The longest beginning of a file's name that is somebody's, as the service finds it. */
function beginning(filename: string, names: ReadonlyMap<string, string>): string {
  for (let end = filename.length; end > 0; end--) {
    const isEnd = end === filename.length || '._- '.includes(filename[end]);
    if (isEnd && names.has(composed(filename.slice(0, end)))) {
      return filename.slice(0, end);
    }
  }
  return '';
}

/** How many folders the files below each top folder have in common. */
function commonFolders(paths: readonly string[]): Map<string, number> {
  const common = new Map<string, string[]>();
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1);
    const top = path.split('/')[0];
    const before = common.get(top);
    const differ = before?.findIndex((folder, at) => folder !== folders[at]) ?? -1;
    common.set(top, !before ? folders : differ < 0 ? before : before.slice(0, differ));
  }
  return new Map([...common].map(([top, folders]) => [top, folders.length]));
}

/** A file and what the service says would become of it. */
export interface IPlan extends IReportCheck {
  content: Blob;
  /** See `IAddressedFile`; null when nothing speaks against the student. */
  other: string | null;
}

/** Puts the answers of the check to the files; one that the service left out has a problem. */
export function plan(files: readonly IAddressedFile[], checks: readonly IReportCheck[]): IPlan[] {
  const answers = new Map(checks.map(check => [check.file, check]));
  return files.map(({ path, file, other }) => ({
    ...(answers.get(path) ?? {
      file: path,
      student: null,
      reportName: null,
      problem: 'unknown_student',
      message: null
    }),
    content: file,
    other: other ?? null
  }));
}

/** Whether a file can be returned. */
export function isSendable(each: IPlan): each is IPlan & { student: string; reportName: string } {
  return each.problem === null && each.student !== null && each.reportName !== null;
}

/** How it went with one file. */
export interface IOutcome {
  file: string;
  /** The name it got in the home; null when it failed. */
  name: string | null;
  message: string | null;
}

/** What sending needs. */
export interface ISending {
  send: (student: string, content: Blob, name: string) => Promise<string>;
  /** Told after each file. */
  onOutcome: (outcome: IOutcome) => void;
  signal: AbortSignal;
}

/** Returns the files one after the other, until the signal; a failure doesn't stop the rest. */
export async function returnAll(plans: readonly IPlan[], sending: ISending): Promise<void> {
  for (const each of plans) {
    if (sending.signal.aborted) {
      return;
    }
    if (!isSendable(each)) {
      continue;
    }
    try {
      const name = await sending.send(each.student, each.content, each.reportName);
      sending.onOutcome({ file: each.file, name, message: null });
    } catch (reason) {
      sending.onOutcome({ file: each.file, name: null, message: (reason as Error).message });
    }
  }
}
