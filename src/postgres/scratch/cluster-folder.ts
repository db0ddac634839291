import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LifeboatError, messageOf } from '../../errors.ts';
import { runTool, type ToolContext } from '../../process/child.ts';
import { createOwnedFolder, type Owner } from '../../process/owned-folder.ts';
import { type Isolation, withSudo } from './isolation/isolation.ts';
import { plainEnvironment } from './isolation/limits.ts';
import { DATA, PREFIX, removeTree, SOCKET } from './remove-cluster.ts';
import { runsAsRoot } from './server-user.ts';

/** The kernel's limit for a socket's path is 107 bytes (unix(7)); we and PostgreSQL add `/s/.s.PGSQL.5432.lock`. */
const MAX_FOLDER = 85;
/** As root the server's user must reach it, so not root's home; and other users must not write there, so not /tmp. */
const ROOT_FOLDERS = ['/var/lib/lifeboat', '/run/lifeboat'];

/** A throwaway cluster's folder is ours; only the two folders in it are the server's. */
export interface ClusterFolder {
  path: string;
  data: string;
  /** Of its socket. */
  socket: string;
  log: string;
}

/** Creates a new folder below `parent` that nobody else may enter. */
export async function createFolder(parent: string, owner: Owner): Promise<ClusterFolder> {
  const path = await newFolder(parent, owner);
  if (Buffer.byteLength(path) > MAX_FOLDER) {
    await removeTree(path);
    throw new LifeboatError(
      `scratch-dir: ${JSON.stringify(path)} is too long for a socket, which may have ${MAX_FOLDER} bytes. Name a shorter folder.`,
    );
  }
  return { path, data: join(path, DATA), socket: join(path, SOCKET), log: join(path, 'log') };
}

/** Creates the folders of the server, and gives them to its user. */
export async function createSubfolders(
  { path, data, socket }: ClusterFolder,
  { user, sudo }: Isolation,
  context: ToolContext,
): Promise<void> {
  for (const folder of [data, socket]) await mkdir(folder, { mode: 0o700 });
  if (user === null) return;
  await chmod(path, 0o711); // It passes through; the names in here are no secret.
  if (!sudo) {
    for (const folder of [data, socket]) await chown(folder, user.uid, user.gid);
    return;
  }
  await chmod(socket, 0o711); // We must reach the socket, which needs a password then.
  const command = withSudo(true, ['chown', `${user.uid}:${user.gid}`, data, socket], plainEnvironment());
  await runTool({ name: 'sudo chown', ...command }, context);
}

/** Where the folder is created when the user names no place. */
export async function defaultParent(isolation: Pick<Isolation, 'sudo'>): Promise<string> {
  if (runsAsRoot()) return rootsParent();
  const runnerTemp = process.env.RUNNER_TEMP;
  // A hosted runner's home is closed to other users.
  const isUsable = runnerTemp && Buffer.byteLength(runnerTemp) <= MAX_FOLDER - 30 && !isolation.sudo;
  return isUsable ? runnerTemp : tmpdir();
}

async function rootsParent(): Promise<string> {
  const reasons: string[] = [];
  for (const folder of ROOT_FOLDERS) {
    try {
      await mkdir(folder, { mode: 0o711, recursive: true });
      const status = await lstat(folder);
      if (status.isDirectory() && status.uid === 0 && (status.mode & 0o022) === 0) return folder;
      reasons.push(`${folder} is not root's alone`);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new LifeboatError(
    `There is no place for the throwaway cluster: ${reasons.join('; ')}. Name a folder of root's in scratch-dir.`,
  );
}

async function newFolder(parent: string, owner: Owner): Promise<string> {
  try {
    return await createOwnedFolder(parent, PREFIX, owner);
  } catch (error) {
    throw new LifeboatError(
      `scratch-dir: cannot create a folder in ${JSON.stringify(parent)}: ${messageOf(error)}. Name an existing folder that this user may write to.`,
      { cause: error },
    );
  }
}
