import { constants, readlinkSync, type Stats } from 'node:fs';
import { lstat, mkdtemp, open, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess } from './child.ts';

export const OWNER_FILE = 'owner.json';
/** Longer than any that is ours. Bytes. */
const MAX_OWNER = 4096;
/** No run lasts that long. Milliseconds. */
const WEEK = 7 * 86_400_000;

/** Whose folder it is, in a file in it, so that the next run can remove what a killed one left. */
export interface Owner {
  pid: number;
  /** A pid is used again, not with the time of its start. */
  started: string;
  /** Ids of processes are those of a namespace: a container has its own. */
  namespace: string;
  /** Of a throwaway cluster: in the environment of everything that its server starts. */
  mark?: string;
  /** Once it has been started. */
  server?: { pid: number; started: string };
}

export function thisProcess(): Owner {
  return { ...identifyProcess(process.pid), namespace: namespaceOfProcesses() };
}

/** Creates a 0700 folder that says whose it is. */
export async function createOwnedFolder(parent: string, prefix: string, owner: Owner): Promise<string> {
  const path = await mkdtemp(join(parent, prefix));
  await writeOwner(path, owner);
  return path;
}

export async function writeOwner(folder: string, owner: Owner): Promise<void> {
  const file = join(folder, OWNER_FILE);
  await writeFile(`${file}.new`, JSON.stringify(owner), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Calls `remove` with each folder that a run which is gone left below `parent`. */
export async function sweepFolders(
  parent: string,
  prefix: string,
  remove: (folder: string) => Promise<void>,
): Promise<void> {
  if (!(await keepsNames(parent))) return;
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(parent, name);
    try {
      if (await isAbandoned(folder)) await remove(folder);
    } catch {
      // Another run removes it at this moment, or a process in it still writes: the next run tries again.
    }
  }
}

/**
 * null: it is not a folder of ours. Nothing that another user created is followed, waited for or believed: the file could
 * be a link, or a FIFO that blocks whoever opens it (open(2)).
 */
export async function readOwner(folder: string): Promise<Owner | null> {
  const status = await statusOf(folder);
  return status !== null && isOurs(status) ? ((await readOwnerFile(folder))?.owner ?? null) : null;
}

/** A folder that belongs to us and that nobody else may write to. */
export function isOurs(status: Stats): boolean {
  return status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o022) === 0;
}

/** null: it does not exist. */
export async function statusOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether other users can neither rename nor remove what is ours in the folder. */
async function keepsNames(folder: string): Promise<boolean> {
  const status = await statusOf(folder);
  if (!status?.isDirectory()) return false;
  const trusted = status.uid === 0 || status.uid === process.getuid?.();
  return trusted && ((status.mode & 0o022) === 0 || (status.mode & 0o1000) !== 0);
}

async function isAbandoned(folder: string): Promise<boolean> {
  const status = await statusOf(folder);
  const found = status !== null && isOurs(status) ? await readOwnerFile(folder) : null;
  if (found === null) return false;
  const { owner, written } = found;
  return hasEnded({ ...owner, isHere: owner.namespace === namespaceOfProcesses() }, written);
}

/**
 * Whether a run has ended that began at `since` (milliseconds). `isHere`: its pid is of our namespace; another's cannot be
 * looked up.
 */
export function hasEnded({ pid, started, isHere }: RunProcess, since: number): boolean {
  if (!isHere) return Date.now() - since > WEEK;
  return started === '' || identifyProcess(pid).started !== started;
}

interface RunProcess {
  pid: number;
  started: string;
  isHere: boolean;
}

async function readOwnerFile(folder: string): Promise<{ owner: Owner; written: number } | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(folder, OWNER_FILE), flags).catch(() => null);
  if (file === null) return null;
  try {
    const status = await file.stat();
    if (!status.isFile() || status.uid !== process.getuid?.() || status.size > MAX_OWNER) return null;
    const owner = parseOwner(await file.readFile('utf8'));
    return owner === null ? null : { owner, written: status.mtimeMs };
  } finally {
    await file.close();
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    const { pid, started, namespace } = owner;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof namespace !== 'string') return null;
    return { ...owner, pid, started, namespace };
  } catch {
    return null;
  }
}

function namespaceOfProcesses(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
