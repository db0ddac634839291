import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANG_LIMIT } from '../hang-limit.ts';
import {
  allProcesses,
  commandLine,
  hasEnvironment,
  isAlive,
  signal,
  startTime,
  waitUntilGone,
  workingFolder,
} from './processes.ts';

/**
 * A test run: a folder that holds everything the servers of the run write, and by which their processes are known.
 * It is named by this environment variable, which jest's workers and every server inherit.
 */
const VARIABLE = 'TEST_RUN_FOLDER';
const PREFIX = 'lifeboat-run-';

/** The folder of this test run; begins one when there is none yet (outside jest). */
export function runFolder(): string {
  return process.env[VARIABLE] ?? openRun();
}

/** The environment for the run's servers: nothing of ours but PATH, no secrets. */
export function serverEnvironment(): Record<string, string> {
  const folder = runFolder();
  return {
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    LANG: 'C.UTF-8',
    HOME: folder,
    TMPDIR: folder,
    [VARIABLE]: folder,
  };
}

/** Begins a test run that ends with this process, however that ends. */
export function openRun(): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(folder, 0o711); // The unprivileged user that PostgreSQL needs passes through; a server's own folder is 0700.
  writeFileSync(join(folder, 'owner'), identity(process.pid));
  startWatchdog(folder);
  process.env[VARIABLE] = folder;
  return folder;
}

/** Ends the test run if this process began it: stops every process of it and removes the folder. */
export async function closeRun(): Promise<void> {
  const folder = process.env[VARIABLE];
  if (folder === undefined || ownerOf(folder) !== identity(process.pid)) return;
  delete process.env[VARIABLE];
  await endRun(folder);
}

/** Ends this user's runs whose owners are gone: those whose watchdog was killed too. */
export async function endStaleRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const owner = ownerOf(folder);
    if (owner !== null && owner !== identity(Number.parseInt(owner, 10))) await endRun(folder);
  }
}

/** Stops every process of the run and removes its folder. */
export async function endRun(folder: string): Promise<void> {
  for (const pid of processesOf(folder)) signal(pid, isOfPostgres(pid) ? 'SIGQUIT' : 'SIGKILL');
  await waitUntilGone(processesOf(folder), 10_000);
  for (const pid of processesOf(folder)) signal(pid, 'SIGKILL');
  await waitUntilGone(processesOf(folder));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Does something once in a test run, however many jest workers ask for it: the first starts, the others wait.
 * What `start` resolves with must be JSON. `start` gets a folder of its own.
 */
export async function oncePerRun<T>(name: string, start: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(runFolder(), name);
  const result = join(folder, 'result.json');
  try {
    mkdirSync(folder, { mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await resultOf(name, result);
  }
  try {
    const value = await start(folder);
    writeWhole(result, { value });
    return value;
  } catch (error) {
    writeWhole(result, { error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function resultOf<T>(name: string, file: string): Promise<T> {
  for (let waited = 0; !existsSync(file); waited += 100) {
    if (waited > HANG_LIMIT)
      throw new Error(`${name} was not ready after ${waited} ms: see ${file} and its neighbours`);
    await sleep(100);
  }
  const { value, error } = JSON.parse(readFileSync(file, 'utf8')) as { value: T; error?: string };
  if (error !== undefined) throw new Error(`${name} did not start: ${error}`);
  return value;
}

function writeWhole(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The watchdog reads from a pipe whose other end we hold: it notices our end however we end. */
function startWatchdog(folder: string): void {
  const watchdog = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'watchdog.ts'), folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  watchdog.unref();
  (watchdog.stdin as unknown as Socket).unref();
}

/** The owner's identity, null when it is not known (the folder is just being made), or another user's. */
function ownerOf(folder: string): string | null {
  try {
    if (statSync(folder).uid !== process.getuid?.()) return null;
    return readFileSync(join(folder, 'owner'), 'utf8') || null;
  } catch {
    return null;
  }
}

function identity(pid: number): string {
  return `${pid} ${startTime(pid)}`;
}

/**
 * The environment tells; or the working folder, for PostgreSQL's backends write their title over the environment; or the
 * command line, for sshd does that too, and works in `/`.
 */
function processesOf(folder: string): number[] {
  return allProcesses().filter(
    (pid) =>
      pid !== process.pid &&
      isAlive(pid) &&
      (hasEnvironment(pid, `${VARIABLE}=${folder}`) ||
        `${workingFolder(pid)}/`.startsWith(`${folder}/`) ||
        commandLine(pid).includes(`${folder}/`)),
  );
}

/** SIGQUIT is PostgreSQL's immediate shutdown; SIGKILL would leave its shared memory behind. */
function isOfPostgres(pid: number): boolean {
  return existsSync(join(workingFolder(pid), 'postmaster.pid'));
}
