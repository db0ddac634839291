import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { PostgresServer } from '../test/support/servers/postgres.ts';
import { newSource, type Source, TABLES, type Table, type Value } from './tables.ts';

/**
 * Creates a database of at least this many bytes (by pg_database_size), the same at every run, and leaves nothing for
 * autovacuum to do. `progress` gets the size as it grows.
 */
export async function createBenchDatabase(
  server: PostgresServer,
  name: string,
  bytes: number,
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  await server.createDatabase(name);
  for (const [table, { definition }] of Object.entries(TABLES)) {
    await server.psql(name, `CREATE TABLE ${table} (${definition})`);
  }
  const source = newSource(42);
  for (let batch = 0, size = 0; size < bytes; batch++) {
    for (const [table, description] of Object.entries(TABLES)) {
      await copyInto(server, name, table, rowsOf(description, batch, source));
    }
    size = await databaseSize(server, name);
    progress(size);
  }
  await server.psql(name, 'VACUUM ANALYZE; CHECKPOINT');
}

/** By pg_database_size: tables, indexes and TOAST. */
export async function databaseSize(server: PostgresServer, name: string): Promise<number> {
  return Number(await server.psql('postgres', `SELECT pg_database_size('${name}')`));
}

async function copyInto(server: PostgresServer, name: string, table: string, lines: Iterable<string>): Promise<void> {
  const psql = spawn(join(server.binDir, 'psql'), ['-X', '--no-password', '-qc', `COPY ${table} FROM STDIN`], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...server.env(name) },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const closed = new Promise<number | null>((resolve, reject) => psql.once('error', reject).once('close', resolve));
  const sent = pipeline(Readable.from(lines, { objectMode: false, highWaterMark: 1 << 20 }), psql.stdin).catch(
    () => {},
  );
  const [stderr, code] = await Promise.all([text(psql.stderr), closed, sent]);
  if (code !== 0) throw new Error(`COPY ${table} failed: ${stderr}`);
}

/** COPY's text format, some hundred rows at a time: single lines would be a system call each. */
function* rowsOf(table: Table, batch: number, source: Source): Generator<string> {
  const first = batch * table.rowsPerBatch + 1;
  let lines = '';
  for (let number = first; number < first + table.rowsPerBatch; number++) {
    lines += `${table.row(number, source).map(copyText).join('\t')}\n`;
    if (lines.length > 200_000) {
      yield lines;
      lines = '';
    }
  }
  yield lines;
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** PostgreSQL's documentation, COPY, "Text Format". */
function copyText(value: Value): string {
  if (value === null) return '\\N';
  return String(value).replace(/[\\\t\n\r]/g, (char) => ESCAPES[char] ?? char);
}
