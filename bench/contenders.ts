import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execute } from '../test/support/servers/execute.ts';
import type { PostgresServer } from '../test/support/servers/postgres.ts';
import { type Measurement, measureAction, measureShell } from './measure.ts';

/** One way to back up a database. */
export interface Contender {
  key: string;
  title: string;
  /** The shell pipeline, which writes to standard output; null: Lifeboat itself. */
  command: string | null;
  /** The checkout whose `dist/` runs; default: this one. */
  checkout?: string;
}

export const LIFEBOAT: Contender = { key: 'e', title: 'Lifeboat: `backup` with a passphrase', command: null };

export const CONTENDERS: Contender[] = [
  command('a', 'pg_dump -Fc -Z0 > /dev/null'),
  command('b', 'pg_dump | gzip | gpg --symmetric'),
  command('c', 'pg_dump -Fc | gpg --symmetric'),
  command('d', 'pg_dump -Fc -Z0 | zstd -1 | gpg --symmetric --compress-algo none'),
  LIFEBOAT,
];

/** Another checkout's `dist/`, to measure what a change costs. */
export function earlier(checkout: string): Contender {
  return { key: 'f', title: 'Lifeboat of `--against`', command: null, checkout };
}

function command(key: string, command: string): Contender {
  return { key, title: `\`${command}\``, command };
}

export interface Result extends Measurement {
  /** Bytes. */
  stored: number;
}

export interface Place {
  server: PostgresServer;
  database: string;
  /** An own folder, where all write. */
  folder: string;
  passphrase: string;
}

/** Runs one of them once, from a settled disk to an empty folder, which is removed afterwards. */
export async function run(contender: Contender, place: Place): Promise<Result> {
  const output = join(place.folder, 'output');
  mkdirSync(output);
  await execute('sync', []);
  try {
    const measured =
      contender.command === null ? backup(place, output, contender.checkout) : shell(contender.command, place, output);
    return { ...(await measured), stored: sizeOf(output) };
  } finally {
    rmSync(output, { recursive: true });
  }
}

function backup({ server, database, passphrase }: Place, output: string, checkout?: string): Promise<Measurement> {
  const store = pathToFileURL(output).href;
  return measureAction(server, { 'database-url': server.url(database), store, passphrase }, checkout);
}

function shell(command: string, { server, database, folder, passphrase }: Place, output: string): Promise<Measurement> {
  const GNUPGHOME = gnupgHome(folder);
  const target = command.includes('>') ? '' : ` > '${join(output, 'backup')}'`;
  return measureShell(server, command + target, passphrase, { ...server.env(database), GNUPGHOME });
}

/** A home for gpg in which it takes the passphrase from file descriptor 3. */
export function gnupgHome(folder: string): string {
  const home = join(folder, 'gnupg');
  mkdirSync(home, { mode: 0o700, recursive: true });
  writeFileSync(join(home, 'gpg.conf'), 'quiet\nbatch\npinentry-mode loopback\npassphrase-fd 3\ncipher-algo AES256\n');
  return home;
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
