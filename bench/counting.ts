import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RowCounter } from '../src/postgres/archive/row-counter.ts';
import { formatBytes } from '../src/units.ts';
import { execute } from '../test/support/servers/execute.ts';
import type { Place } from './contenders.ts';
import { measureShell } from './measure.ts';
import { markdownTable, medianOf } from './report.ts';
import { TABLES } from './tables.ts';

/** A pipe gives pg_dump's output in pieces of at most so many bytes (pipe(7), "Pipe capacity"). */
const PIECE = 64 * 1024;
/** So much is read at once. It stays in the processor's caches, as what has just come through a pipe does. */
const PART = 1024 * 1024;
/** CPU seconds per GB that counting may take. */
const LIMIT = 0.2;

/** CPU seconds for the whole archive or database. */
interface CountingRound {
  /** Of this process, to count rows. */
  counting: number;
  /** Of this process, to digest the same bytes. */
  sha256: number;
  /** Of the server, to send every table. */
  copy: number;
  /** Of the server, to count the rows of every table. */
  count: number;
}

/**
 * Measures what counting rows in the dump's stream costs, and what reading every table again would cost the server.
 * Resolves with the text of a section of results.md. Throws when the rows counted are not those of the tables.
 */
export async function measureCounting(place: Place, rounds: number): Promise<string> {
  const archive = join(place.folder, 'counting.dump');
  await dumpTo(archive, place);
  const { size } = statSync(archive);
  const expected = await rowsOfTables(place);
  const measured: CountingRound[] = [];
  for (let round = 1; round <= rounds; round++) {
    const result = await measureRound(place, archive, expected);
    measured.push(result);
    console.log(
      Object.entries(result)
        .map(([name, cpu]) => `${name}: CPU ${cpu.toFixed(2)} s`)
        .join(', '),
    );
  }
  rmSync(archive);
  return summaryOf(measured, size);
}

async function dumpTo(archive: string, { server, database }: Place): Promise<void> {
  const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', ...server.env(database) };
  await execute(join(server.binDir, 'pg_dump'), ['-Fc', '-Z0', '-w', '-f', archive], { env });
}

async function measureRound(place: Place, archive: string, expected: number): Promise<CountingRound> {
  const client = readArchive(archive);
  if (client.rows !== expected) throw new Error(`${client.rows} rows were counted, and the tables have ${expected}`);
  return {
    counting: client.counting,
    sha256: client.sha256,
    copy: await serverCpu(place, (table) => `copy ${table} to stdout`),
    count: await serverCpu(place, (table) => `select count(*) from only ${table}`),
  };
}

/** Counts and digests the archive part by part, in turn, so that both find the machine alike. Reading is not measured. */
function readArchive(archive: string): { counting: number; sha256: number; rows: number } {
  const counter = new RowCounter();
  const hash = createHash('sha256');
  const cpu = { counting: 0, sha256: 0 };
  const file = openSync(archive, 'r');
  const buffer = Buffer.alloc(PART);
  for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
    const part = buffer.subarray(0, bytes);
    cpu.counting += cpuOf(() => eachPiece(part, (piece) => counter.take(piece)));
    cpu.sha256 += cpuOf(() => eachPiece(part, (piece) => hash.update(piece)));
  }
  closeSync(file);
  const rows = [...counter.rows().values()].reduce((sum, count) => sum + count, 0);
  return { ...cpu, rows };
}

function eachPiece(bytes: Buffer, take: (piece: Buffer) => void): void {
  for (let start = 0; start < bytes.length; start += PIECE) take(bytes.subarray(start, start + PIECE));
}

/** CPU seconds, user and system, of all threads of this process. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** CPU seconds of the server for a statement on every table, as a session of Lifeboat's runs it. */
async function serverCpu({ server, database }: Place, statementOn: (table: string) => string): Promise<number> {
  const statements = ['set jit = off', ...Object.keys(TABLES).map(statementOn)].map((sql) => `-c '${sql}'`);
  const command = `psql -Xqw ${statements.join(' ')} > /dev/null`;
  return (await measureShell(server, command, '', server.env(database))).serverCpu;
}

async function rowsOfTables({ server, database }: Place): Promise<number> {
  const counts = Object.keys(TABLES).map((table) => `(select count(*) from only ${table})`);
  return Number(await server.psql(database, `select ${counts.join(' + ')}`));
}

function summaryOf(rounds: CountingRound[], size: number): string {
  const perGb = (what: keyof CountingRound) => rounds.map((round) => round[what] / (size / 1e9));
  const row = (title: string, values: number[]) => [
    title,
    medianOf(values).toFixed(3),
    values.map((value) => value.toFixed(3)).join(', '),
  ];
  const counting = perGb('counting');
  const median = medianOf(counting);
  return [
    `pg_dump's archive (\`-Fc -Z0\`) of this database has ${formatBytes(size)}. Every number but the ratio is CPU seconds per GB of the archive. A backup counts the rows of every table in the stream. So it does not read a second time, by \`COPY\`, a table on which a query would run code of the database's users.`,
    markdownTable([
      ['', 'median', 'round by round'],
      row('cost: the row counter, in pieces of 64 KiB', counting),
      row('for comparison: sha256 of the same bytes', perGb('sha256')),
      row(
        'ratio: row counter / sha256',
        rounds.map((round) => round.counting / round.sha256),
      ),
      row('saved on the server: `COPY table TO STDOUT` of every table', perGb('copy')),
      row('for comparison, on the server: `count(*)` of every table', perGb('count')),
    ]),
    `The row counter takes ${median.toFixed(3)} CPU seconds per GB (at most ${LIMIT}: ${median <= LIMIT ? 'yes' : 'NO'}).`,
  ].join('\n\n');
}
