import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, startDaemon, stopDaemon, waitUntilReady } from './daemon.ts';
import { freePort } from './free-port.ts';
import { connectionEnvironment, type PostgresCluster, psql } from './postgres.ts';
import { runFolder } from './run.ts';
import { serverUser } from './server-user.ts';

export interface Pgbouncer {
  host: string;
  port: number;
  /** The connection through the pooler, with the server's own user and password. */
  env(database: string): Record<string, string>;
  stop(): Promise<void>;
}

/** Starts a connection pooler in front of the server. `settings` are those of pgbouncer.ini, such as `pool_mode`. */
export async function startPgbouncer(
  cluster: PostgresCluster,
  settings: Record<string, string | number> = { pool_mode: 'transaction' },
): Promise<Pgbouncer> {
  const folder = mkdtempSync(join(runFolder(), 'pgbouncer-'));
  const port = await freePort();
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    ignore_startup_parameters: 'extra_float_digits',
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `[databases]\n* = host=${cluster.host} port=${cluster.port}\n[pgbouncer]\n${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'users'), `"${cluster.user}" "${cluster.password}"\n`);
  const daemon = await startAsServerUser(folder, file);
  const through = { ...cluster, port };
  await waitUntilReady(daemon, () => answers(connectionEnvironment(through, 'postgres')));
  return {
    host: through.host,
    port,
    env: (database) => connectionEnvironment(through, database),
    stop: () => stopDaemon(daemon),
  };
}

function startAsServerUser(folder: string, file: string): Promise<Daemon> {
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) {
    for (const path of [folder, file, join(folder, 'users')]) chownSync(path, uid, gid);
  }
  return startDaemon('pgbouncer', [file], { cwd: folder, logFile: join(folder, 'log'), ...serverUser() });
}

async function answers(connection: Record<string, string>): Promise<boolean> {
  try {
    await psql(connection, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}
