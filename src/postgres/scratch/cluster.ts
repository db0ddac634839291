import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../errors.ts';
import { identifyProcess, runTool, type ToolContext } from '../../process/child.ts';
import { type Owner, sweepFolders, thisProcess, writeOwner } from '../../process/owned-folder.ts';
import type { Session } from '../session/session.ts';
import type { LocalToolset } from '../toolset/local-toolsets.ts';
import { type ClusterFolder, createFolder, createSubfolders, defaultParent } from './cluster-folder.ts';
import { initdbArguments, settingArguments } from './cluster-settings.ts';
import { chooseIsolation } from './isolation/choose.ts';
import type { Isolation, IsolationKind } from './isolation/isolation.ts';
import { PREFIX, removeCluster, removeTree } from './remove-cluster.ts';
import { type SizeWatch, watchSize } from './size-watch.ts';
import { endSurvivors, MARK_VARIABLE, sessionsBelow } from './survivors.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** Milliseconds. */
const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;

export interface ScratchCluster {
  /** Of its superuser, by libpq's environment names; the database is `postgres`. */
  connection: Record<string, string>;
  /** The folder that holds all of it. */
  folder: string;
  isolation: IsolationKind;
  /** Why the server was ended early; null: it was not. */
  problem(): LifeboatError | null;
  /** Ends the server at once and removes all that it held. */
  close(): Promise<void>;
}

export interface ClusterOptions {
  /** Which ways to isolate it may be used; default: all. */
  isAllowed?: (isolation: Isolation) => boolean;
  /** Bytes that it may fill; default: as many as there are. */
  sizeLimit?: number;
}

/** A server that runs, and all that is needed to end it. */
interface Running {
  process: ChildProcess;
  isolation: Isolation;
  mark: string;
  watch: SizeWatch;
}

/**
 * Starts a private cluster in a new folder below `parent` (null: a place of our choice), as isolated as this machine
 * allows. It listens on a socket in that folder alone, keeps nothing of our environment, and its superuser has a name that
 * no source uses.
 */
export async function startCluster(
  parent: string | null,
  toolset: LocalToolset,
  context: ToolContext,
  { isAllowed = () => true, sizeLimit = Number.POSITIVE_INFINITY }: ClusterOptions = {},
): Promise<ScratchCluster> {
  const placeOf = async (isolation: Isolation) => parent ?? (await defaultParent(isolation));
  const isolation = await chooseIsolation(toolset, placeOf, isAllowed);
  const place = await placeOf(isolation);
  await sweepFolders(place, PREFIX, removeCluster);
  const mark = randomBytes(16).toString('hex');
  const owner = { ...thisProcess(), mark };
  const folder = await createFolder(place, owner);
  const forgetFolder = context.track({ kind: 'folder', path: folder.path });
  let running: Running | null = null;
  const close = async () => {
    if (running) await endServer(running, folder);
    await removeTree(folder.path);
    forgetFolder();
  };
  try {
    const starter: Starter = { folder, toolset, isolation, owner, context };
    const credentials = await createCluster(starter);
    const server = await startServer(starter);
    running = {
      process: server,
      isolation,
      mark,
      watch: watchSize(folder.path, isolation, sizeLimit, () => stopServer(server, isolation)),
    };
    const connection = { PGHOST: folder.socket, PGPORT: '5432', PGDATABASE: 'postgres', ...credentials };
    const { watch } = running;
    return { connection, folder: folder.path, isolation: isolation.kind, problem: watch.problem, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All that starting needs. */
interface Starter {
  folder: ClusterFolder;
  toolset: LocalToolset;
  isolation: Isolation;
  owner: Owner & { mark: string };
  context: ToolContext;
}

/** With sudo, the folder of the socket is open to every user, so that a password must be the lock. */
const WITH_PASSWORD = 'umask 077; cat > "$0" && "$@" && rm "$0"';

/** Runs initdb. Returns how its superuser connects. */
async function createCluster(starter: Starter): Promise<Record<string, string>> {
  const { folder, toolset, isolation, owner, context } = starter;
  await createSubfolders(folder, isolation, context);
  const superuser = `lifeboat_${randomBytes(4).toString('hex')}`;
  const auth = isolation.sudo ? 'scram-sha-256' : 'trust';
  const initdb = [toolset.path('initdb'), ...initdbArguments(folder.data, superuser, auth, toolset.major)];
  const passwordFile = join(folder.socket, 'password');
  const argv = isolation.sudo
    ? ['sh', '-c', WITH_PASSWORD, passwordFile, ...initdb, `--pwfile=${passwordFile}`]
    : initdb;
  const password = randomBytes(16).toString('hex');
  const command = isolation.wrap(argv, { env: serverEnvironment(owner.mark), writable: [folder.data, folder.socket] });
  const { signal, track } = context;
  // A group: bubblewrap's second process does not end with the first until it has asked for that.
  const spec = { name: 'initdb', group: true, ...command } as const;
  await runTool(spec, { signal, track }, isolation.sudo ? Buffer.from(password) : undefined);
  return { PGUSER: superuser, ...(isolation.sudo ? { PGPASSWORD: password } : {}) };
}

/** Nothing of ours: what a restore runs (functions in indexes, event triggers) is the source's code. */
function serverEnvironment(mark: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC', [MARK_VARIABLE]: mark };
}

/**
 * Long values are compressed by lz4 where the server was built with it: another seventh of its time. How they are stored
 * is not part of what is compared; a column for which the source requires a method keeps that.
 */
export async function preferLz4(session: Session): Promise<void> {
  const able = await session.query(
    "select 1 as yes from pg_catalog.pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)",
  );
  if (able.length === 0) return;
  await session.run("alter system set default_toast_compression = 'lz4'");
  await session.run('select pg_catalog.pg_reload_conf()');
}

/**
 * Where the server has process ids of its own, this is their first process, with which all others end. It ends when its
 * input does: that is when we close it, and when we are gone, however that came.
 */
const FIRST_PROCESS = 'exec 3<&0; "$@" 3<&- & server=$!; (cat <&3 > /dev/null; kill -KILL $server) & wait $server';

async function startServer({ folder, toolset, isolation, owner, context }: Starter): Promise<ChildProcess> {
  const postgres = [toolset.path('postgres'), '-D', folder.data, ...settingArguments(folder.socket)];
  const argv = isolation.closed ? ['sh', '-c', FIRST_PROCESS, 'sh', ...postgres] : postgres;
  const { command, args, env, user } = isolation.wrap(argv, {
    env: serverEnvironment(owner.mark),
    writable: [folder.data, folder.socket],
  });
  const log = await open(folder.log, 'w', 0o600);
  const cwd = isolation.closed ? '/' : folder.data;
  const server = spawn(command, args, { ...user, cwd, env, stdio: ['pipe', log.fd, log.fd] });
  server.stdin?.on('error', () => {});
  const failed = once(server, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  const forget =
    server.pid === undefined ? () => {} : context.track({ kind: 'process', ...identifyProcess(server.pid) });
  const onAbort = () => stopServer(server, isolation);
  context.signal.addEventListener('abort', onAbort, { once: true });
  server.once('exit', () => {
    context.signal.removeEventListener('abort', onAbort);
    forget();
  });
  await log.close(); // Not before the listeners exist: the server may be gone meanwhile.
  try {
    if (server.pid !== undefined) await writeOwner(folder.path, { ...owner, server: identifyProcess(server.pid) });
    if (context.signal.aborted) onAbort();
    const socket = join(folder.socket, '.s.PGSQL.5432');
    await Promise.race([failed, waitUntilReady(socket, START_TIMEOUT, () => hasEnded(server))]);
    return server;
  } catch (error) {
    await endProcess(server, isolation);
    const logged = (await readFile(folder.log, 'utf8').catch(() => '')).trim().slice(-2_000);
    throw new LifeboatError(
      `The throwaway PostgreSQL did not start (${toolset.path('postgres')}): ${(error as Error).message} It said: ${logged}`,
      { cause: error },
    );
  }
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

/** SIGQUIT is PostgreSQL's immediate shutdown: nothing is written any more. */
function stopServer(server: ChildProcess, { closed }: Isolation): void {
  if (closed) server.stdin?.destroy();
  else server.kill('SIGQUIT');
}

async function endProcess(server: ChildProcess, isolation: Isolation): Promise<void> {
  if (server.pid === undefined || hasEnded(server)) return;
  const exit = once(server, 'exit');
  stopServer(server, isolation);
  const late = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT);
  // What sudo runs is root's: a signal of ours does not reach it.
  const never = setTimeout(() => server.emit('exit', null, null), 3 * STOP_TIMEOUT);
  await exit;
  clearTimeout(late);
  clearTimeout(never);
}

async function endServer({ process: server, isolation, mark, watch }: Running, folder: ClusterFolder): Promise<void> {
  watch.stop();
  const sessions = isolation.closed || server.pid === undefined ? new Set<number>() : await sessionsBelow(server.pid);
  await endProcess(server, isolation);
  await endSurvivors({ mark, folder: folder.path, sessions });
}
