import { randomBytes } from 'node:crypto';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './execute.ts';
import { freePort } from './free-port.ts';
import { localPrograms, type PostgresPrograms, programsOf } from './postgres-programs.ts';
import { oncePerRun, runFolder, serverEnvironment } from './run.ts';
import { serverUser } from './server-user.ts';

/** postgresql.conf: what is not a number is quoted. */
export type PostgresSettings = Record<string, string | number>;

export interface PostgresOptions {
  /** 13, 14, 16, 17 and 18 are in test/tools; default: the newest of this machine. */
  major?: number;
  settings?: PostgresSettings;
  /** Lines of pg_hba.conf that come before ours (a password for everyone, over TCP and the socket). */
  hba?: string[];
}

/** `fast` ends sessions, `immediate` is a crash: recovery follows at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate';

/** What there is to know of a private cluster; plain data, which another process can use too. */
export interface PostgresCluster {
  host: string;
  port: number;
  user: string;
  password: string;
  major: number;
  /** The server's programs; those of test/tools have no clients. */
  binDir: string;
  dataDir: string;
  /** The folder of the socket: `PGHOST` for a connection without TCP. */
  socketDir: string;
  logFile: string;
}

export interface PostgresServer extends PostgresCluster {
  url(database: string): string;
  /** The connection by libpq's environment variables. */
  env(database: string): Record<string, string>;
  /** Runs SQL by `psql`, stops at the first error, which it throws. Resolves with the rows, unaligned, no header. */
  psql(database: string, sql: string): Promise<string>;
  /** `clause`: what follows the name in CREATE DATABASE. */
  createDatabase(name: string, clause?: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  start(): Promise<void>;
  /** A server that is not running is no error. */
  stop(mode?: StopMode): Promise<void>;
  restart(mode?: StopMode): Promise<void>;
  /** What the server has logged until now. */
  log(): string;
}

/** Starts a private cluster, which ends with the test run. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = options.major === undefined ? requireLocal() : await programsOf(options.major);
  const cluster = await newCluster(programs);
  const passwordFile = join(cluster.socketDir, 'password');
  writeFileSync(passwordFile, cluster.password);
  const initdb = ['--username', cluster.user, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  await asServerUser(cluster, 'initdb', [...initdb, '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync']);
  rmSync(passwordFile);
  prependTo(join(cluster.dataDir, 'pg_hba.conf'), options.hba ?? []);
  configure(cluster, { fsync: 'off', full_page_writes: 'off', ...options.settings });
  return await startedServer(cluster);
}

/** Starts a hot standby that streams from the primary. The primary is of this machine's own major or older. */
export async function startStandby(primary: PostgresCluster, settings: PostgresSettings = {}): Promise<PostgresServer> {
  const cluster = { ...(await newCluster(primary)), password: primary.password };
  await execute(
    join(requireLocal().binDir, 'pg_basebackup'),
    ['-D', cluster.dataDir, '-R', '-X', 'stream', '-c', 'fast', '-N'],
    {
      ...serverUser(),
      cwd: cluster.socketDir,
      env: { ...serverEnvironment(), ...connectionEnvironment(primary, 'postgres') },
    },
  );
  configure(cluster, { hot_standby: 'on', ...settings });
  return await startedServer(cluster);
}

/** The server that all tests of the run share: for those that need no settings and stop nothing. Use own databases. */
export async function sharedPostgres(): Promise<PostgresServer> {
  return serverOf(await oncePerRun<PostgresCluster>('postgres', async () => clusterOf(await startPostgres())));
}

/** The server of a cluster that another process has started. */
export function serverOf(cluster: PostgresCluster): PostgresServer {
  const server: PostgresServer = {
    ...cluster,
    url: (database) =>
      `postgresql://${cluster.user}:${cluster.password}@${cluster.host}:${cluster.port}/${encodeURIComponent(database)}`,
    env: (database) => connectionEnvironment(cluster, database),
    psql: (database, sql) => psql(connectionEnvironment(cluster, database), sql),
    createDatabase: async (name, clause = '') => {
      await server.psql('postgres', `CREATE DATABASE ${quoteIdentifier(name)} ${clause}`);
    },
    dropDatabase: async (name) => {
      await server.psql('postgres', `DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
    },
    start: () => pgCtl(cluster, ['start', '--log', cluster.logFile, '--timeout', '60']),
    stop: async (mode = 'fast') => {
      if (existsSync(join(cluster.dataDir, 'postmaster.pid'))) await pgCtl(cluster, ['stop', '--mode', mode]);
    },
    restart: async (mode = 'fast') => {
      await server.stop(mode);
      await server.start();
    },
    log: () => readFileSync(cluster.logFile, 'utf8'),
  };
  return server;
}

/** Runs SQL on the connection that the environment names. */
export async function psql(connection: Record<string, string>, sql: string): Promise<string> {
  const args = ['-X', '--no-password', '--quiet', '--no-align', '--tuples-only', '--set', 'ON_ERROR_STOP=1'];
  const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', ...connection };
  return (await execute(join(requireLocal().binDir, 'psql'), args, { env, input: sql })).trimEnd();
}

/** Quotes a name for SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function requireLocal(): PostgresPrograms {
  const programs = localPrograms();
  if (programs === null) throw new Error('no PostgreSQL server on this machine: run `npm run servers`');
  return programs;
}

/** The kernel's limit for a socket's path; beyond it the server does not start (man 7 unix). */
const MAX_SOCKET_PATH = 107;

async function newCluster({ major, binDir }: PostgresPrograms): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(runFolder(), 'pg-'));
  const port = await freePort();
  if (join(folder, `.s.PGSQL.${port}`).length > MAX_SOCKET_PATH) {
    throw new Error(`${folder} is too long for PostgreSQL's socket: set TMPDIR to a shorter path, such as /tmp`);
  }
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: `pw-${randomBytes(12).toString('hex')}`,
    major,
    binDir,
    dataDir: join(folder, 'data'),
    socketDir: folder,
    logFile: join(folder, 'log'),
  };
}

/** Of two lines with the same setting the server takes the last. */
function configure(cluster: PostgresCluster, settings: PostgresSettings): void {
  const all: PostgresSettings = {
    listen_addresses: cluster.host,
    port: cluster.port,
    unix_socket_directories: cluster.socketDir,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) =>
    typeof value === 'number' ? `${name} = ${value}` : `${name} = '${value.replaceAll("'", "''")}'`,
  );
  appendFileSync(join(cluster.dataDir, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
}

function prependTo(file: string, lines: string[]): void {
  writeFileSync(file, `${lines.join('\n')}\n${readFileSync(file, 'utf8')}`);
}

async function startedServer(cluster: PostgresCluster): Promise<PostgresServer> {
  const server = serverOf(cluster);
  await server.start();
  return server;
}

async function pgCtl(cluster: PostgresCluster, args: string[]): Promise<void> {
  try {
    await asServerUser(cluster, 'pg_ctl', ['--wait', ...args]);
  } catch (error) {
    const log = existsSync(cluster.logFile) ? readFileSync(cluster.logFile, 'utf8').slice(-2000) : '';
    throw new Error(`${(error as Error).message}\n${log}`);
  }
}

async function asServerUser(cluster: PostgresCluster, program: string, args: string[]): Promise<void> {
  await execute(join(cluster.binDir, program), [...args, '--pgdata', cluster.dataDir], {
    ...serverUser(),
    cwd: cluster.socketDir,
    env: serverEnvironment(),
  });
}

/** A connection to the cluster by libpq's environment variables. */
export function connectionEnvironment(cluster: PostgresCluster, database: string): Record<string, string> {
  return {
    PGHOST: cluster.host,
    PGPORT: String(cluster.port),
    PGUSER: cluster.user,
    PGPASSWORD: cluster.password,
    PGDATABASE: database,
  };
}

function clusterOf(server: PostgresServer): PostgresCluster {
  return JSON.parse(JSON.stringify(server)) as PostgresCluster;
}
