import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textTable } from '../../src/report/text-table.ts';
import { formatCount } from '../../src/units.ts';
import type { PostgresServer } from '../../test/support/servers/postgres.ts';
import { serverEnvironment } from '../../test/support/servers/run.ts';

/** The line by which a person restores a backup with gpg, zstd and pg_restore alone. */
export function restoreByHand(backup: string, database: string): string {
  return `cat '${backup}'/data.dump.zst.gpg* | gpg -d | zstd -d | pg_restore -d ${database}`;
}

/**
 * Runs that line as it stands. gpg would ask a person for the passphrase; its configuration makes it read the
 * passphrase from a file descriptor instead, so it is on no command line and in no file.
 */
export async function runByHand(
  line: string,
  passphrase: string,
  server: PostgresServer,
  folder: string,
): Promise<void> {
  const GNUPGHOME = join(folder, 'gnupg');
  mkdirSync(GNUPGHOME, { mode: 0o700 });
  writeFileSync(join(GNUPGHOME, 'gpg.conf'), 'quiet\nbatch\npinentry-mode loopback\npassphrase-fd 3\n');
  const env = serverEnvironment();
  const shell = spawn('bash', ['-o', 'pipefail', '-c', line], {
    cwd: folder,
    env: { ...env, PATH: `${server.binDir}:${env.PATH}`, ...server.env('postgres'), GNUPGHOME },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const passphrasePipe = shell.stdio[3] as NodeJS.WritableStream;
  passphrasePipe.on('error', () => {}); // gpg ended before it read: the exit code tells.
  passphrasePipe.end(`${passphrase}\n`);
  await new Promise<void>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`reading the backup by hand ended with ${signal ?? code}`));
    });
  });
}

/** The rows of every table and materialised view in both databases, side by side; and whether they are equal. */
export async function compareRows(
  server: PostgresServer,
  original: string,
  restored: string,
): Promise<{ equal: boolean; text: string }> {
  const [before, after] = await Promise.all([rowsOf(server, original), rowsOf(server, restored)]);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const isEqual = (name: string) => before.get(name) === after.get(name);
  const rows = names.map((name) => [
    name,
    shown(before.get(name)),
    shown(after.get(name)),
    isEqual(name) ? '✅' : '❌',
  ]);
  return { equal: names.every(isEqual), text: textTable([['table', original, restored], ...rows]) };
}

/** psql's \gexec runs each row of the first query as a query. */
const COUNT_ROWS = `
  SELECT format('SELECT %L, count(*) FROM ONLY %s', oid::regclass, oid::regclass)
  FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace ORDER BY relname \\gexec`;

async function rowsOf(server: PostgresServer, database: string): Promise<Map<string, string>> {
  const lines = (await server.psql(database, COUNT_ROWS)).split('\n');
  return new Map(lines.map((line) => line.split('|') as [string, string]));
}

function shown(rows: string | undefined): string {
  return rows === undefined ? 'missing' : formatCount(rows);
}
