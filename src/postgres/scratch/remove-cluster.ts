import { rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../errors.ts';
import { identifyProcess } from '../../process/child.ts';
import { isOurs, OWNER_FILE, type Owner, readOwner, statusOf } from '../../process/owned-folder.ts';
import { commandSucceeds } from './isolation/command-succeeds.ts';
import { switchUser, type Wrapped, withSudo } from './isolation/isolation.ts';
import { plainEnvironment } from './isolation/limits.ts';
import { runsAsRoot, type User } from './server-user.ts';
import { endSurvivors } from './survivors.ts';

/** Folders of throwaway clusters begin so; what a killed run left is found by it. */
export const PREFIX = 'lifeboat-scratch-';
/** What is ours in such a folder. */
const OUR_FILES = [OWNER_FILE, `${OWNER_FILE}.new`, 'log'];
/** What the server owns in it. */
export const DATA = 'data';
export const SOCKET = 's';
/** The server has this long to end its own processes. Milliseconds. */
const STOP_TIMEOUT = 5_000;

/**
 * Removes a folder of a run that is gone. A cluster's server is asked to end, not killed: backends that compute do not
 * notice that their postmaster has gone, so it must end them itself.
 */
export async function removeCluster(folder: string): Promise<void> {
  const status = await statusOf(folder);
  if (status === null) return;
  if (!isOurs(status)) throw new LifeboatError('it is not a folder of this user alone');
  const owner = await readOwner(folder);
  if (owner?.mark !== undefined) await endServer(owner, owner.mark, folder);
  await removeTree(folder);
}

/**
 * Removes a folder whose processes are gone. Of a cluster's only the known files go by name, for as root a recursive walk
 * could be led elsewhere by whoever may write to the folder above it.
 */
export async function removeTree(folder: string): Promise<void> {
  if (!basename(folder).startsWith(PREFIX)) return rm(folder, { recursive: true, force: true, maxRetries: 5 });
  for (const name of [DATA, SOCKET]) await removeAsOwner(join(folder, name));
  for (const name of OUR_FILES) await rm(join(folder, name), { force: true });
  if ((await statusOf(folder)) !== null) await rmdir(folder);
}

async function endServer({ server }: Owner, mark: string, folder: string): Promise<void> {
  const runs = () =>
    server !== undefined && server.started !== '' && identifyProcess(server.pid).started === server.started;
  if (server && runs()) sendSignal(server.pid, 'SIGQUIT');
  for (const end = Date.now() + STOP_TIMEOUT; runs() && Date.now() < end; ) await sleep(50);
  if (server && runs()) sendSignal(server.pid, 'SIGKILL');
  await endSurvivors({ mark, folder, sessions: new Set() });
}

/** One that sudo runs is root's, and ends by itself when we do. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * A server's tree is removed as the server's user: in it names change while we walk, so that root could be led to files of
 * others (CVE-2022-21658 is of this kind).
 */
async function removeAsOwner(path: string): Promise<void> {
  const status = await statusOf(path);
  if (status === null) return;
  if (status.uid === process.getuid?.()) return rm(path, { recursive: true, force: true, maxRetries: 5 });
  await commandSucceeds(runsAsRoot() ? emptyFolderCommand(path, status) : emptyingBySudo(path, status));
  await rmdir(path);
}

const EMPTY = ['find', '.', '-mindepth', '1', '-delete'];

/** The folder is entered before the rights are gone: its user may not come through those above it. */
function emptyFolderCommand(path: string, { uid, gid }: User): Wrapped {
  return { ...withSudo(false, EMPTY, plainEnvironment()), cwd: path, user: { uid, gid } };
}

function emptyingBySudo(path: string, user: User): Wrapped {
  const script = 'cd "$0" && exec "$@"';
  return withSudo(true, ['sh', '-c', script, path, ...switchUser(user), ...EMPTY], plainEnvironment());
}
