import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { install } from '../scripts/install-servers.ts';
import { formatBytes } from '../src/units.ts';
import { type PostgresServer, startPostgres } from '../test/support/servers/postgres.ts';
import { closeRun, openRun } from '../test/support/servers/run.ts';
import { measureCatalogs } from './catalog.ts';
import { CONTENDERS, type Contender, earlier, LIFEBOAT, type Place, type Result, run } from './contenders.ts';
import { measureCounting } from './counting.ts';
import { createBenchDatabase, databaseSize } from './database.ts';
import { describeMachine } from './machine.ts';
import {
  type MemoryRuns,
  mediansTable,
  memoryTable,
  nodeLine,
  type Rounds,
  ratiosTable,
  storedRatio,
  wallTimes,
  writeSection,
} from './report.ts';
import { compareRestores } from './restore.ts';

const { values: options } = parseArgs({
  options: {
    /** Of the database, such as 1GB or 500MB. */
    size: { type: 'string', default: '1GB' },
    rounds: { type: 'string', default: '3' },
    /** Only Lifeboat's peak memory, for a database of 1 GB and for one of --size. */
    'memory-only': { type: 'boolean', default: false },
    /** Only a restore test beside a restore by hand. */
    restore: { type: 'boolean', default: false },
    /** Only what counting rows in the dump's stream costs and saves. */
    counting: { type: 'boolean', default: false },
    /** Another checkout with its `dist/`, such as the last release's: only that beside this one. */
    against: { type: 'string' },
    /** Only what `list`, `check` and `prune` need for 100 backups, 1,000, and so on up to so many. */
    backups: { type: 'string' },
  },
});

const GB = 1024 ** 3;

async function compareAll(server: PostgresServer, folder: string): Promise<void> {
  const machine = await describeMachine(programsOf(server));
  const place = await createDatabase(server, folder, parseSize(options.size));
  const size = await databaseSize(server, place.database);
  const rounds = await runRounds(CONTENDERS, 'ae', place);
  const text = [
    headLines(machine, `npm run bench -- --size ${options.size} --rounds ${options.rounds}`),
    `A database of ${formatBytes(size)}. Medians of ${options.rounds} rounds; peak memory is that of all client processes added up.`,
    mediansTable(rounds, CONTENDERS),
    nodeLine(rounds),
    ratiosTable(rounds),
    storedRatio(rounds),
    wallTimes(rounds, CONTENDERS),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Speed', text);
}

async function compareWithEarlier(server: PostgresServer, folder: string, checkout: string): Promise<void> {
  const machine = await describeMachine(programsOf(server));
  const place = await createDatabase(server, folder, parseSize(options.size));
  const contenders = [LIFEBOAT, earlier(checkout)];
  const rounds = await runRounds(contenders, 'ef', place);
  const text = [
    headLines(machine, `npm run bench -- --size ${options.size} --rounds ${options.rounds} --against CHECKOUT`),
    `A database of ${formatBytes(await databaseSize(server, place.database))}. Medians of ${options.rounds} rounds, every other round in reverse order.`,
    mediansTable(rounds, contenders),
    ratiosTable(rounds),
    wallTimes(rounds, contenders),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Before and after', text);
}

/** What runs first may find another disk and another cache than what follows it: every other round goes backwards. */
async function runRounds(contenders: Contender[], warmUp: string, place: Place): Promise<Rounds> {
  console.log('\nWarming up');
  for (const contender of contenders.filter(({ key }) => warmUp.includes(key))) await run(contender, place);

  const rounds: Rounds = {};
  for (let round = 1; round <= Number(options.rounds); round++) {
    console.log(`\nRound ${round}`);
    for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
      const result = await run(contender, place);
      rounds[contender.key] = [...(rounds[contender.key] ?? []), result];
      console.log(`${contender.key}  ${resultLine(result)}  ${contender.title}`);
    }
  }
  return rounds;
}

async function compareRestore(server: PostgresServer, folder: string): Promise<void> {
  const machine = await describeMachine(programsOf(server));
  const place = await createDatabase(server, folder, parseSize(options.size));
  const text = [
    headLines(machine, `npm run bench -- --size ${options.size} --rounds ${options.rounds} --restore`),
    `A database of ${formatBytes(await databaseSize(server, place.database))}.`,
    await compareRestores(place, Number(options.rounds), options.against),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Restore', text);
}

async function compareCounting(server: PostgresServer, folder: string): Promise<void> {
  const machine = await describeMachine(programsOf(server));
  const place = await createDatabase(server, folder, parseSize(options.size));
  const text = [
    headLines(machine, `npm run bench -- --size ${options.size} --rounds ${options.rounds} --counting`),
    `A database of ${formatBytes(await databaseSize(server, place.database))}.`,
    await measureCounting(place, Number(options.rounds)),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Counting', text);
}

async function compareMemory(server: PostgresServer, folder: string): Promise<void> {
  const machine = await describeMachine(programsOf(server));
  const small = await measureMemory(server, folder, GB);
  const large = await measureMemory(server, folder, parseSize(options.size));
  const text = [
    headLines(machine, `npm run bench -- --size ${options.size} --rounds ${options.rounds} --memory-only`),
    "The peak memory of Lifeboat's node process (VmHWM), each run a process of its own.",
    memoryTable(small, large),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Memory', text);
}

async function measureMemory(server: PostgresServer, folder: string, bytes: number): Promise<MemoryRuns> {
  const place = await createDatabase(server, folder, bytes);
  const size = await databaseSize(server, place.database);
  const peaks: number[] = [];
  for (let round = 1; round <= Number(options.rounds); round++) {
    const result = await run(LIFEBOAT, place);
    console.log(resultLine(result));
    peaks.push(result.node?.memory ?? Number.NaN);
  }
  await server.dropDatabase(place.database);
  return { size, peaks };
}

async function compareBackups(most: number): Promise<void> {
  install(['ceph']);
  const text = [
    headLines(await describeMachine(['radosgw']), `npm run bench -- --backups ${options.backups}`),
    await measureCatalogs(most),
  ].join('\n\n');
  console.log(`\n${text}`);
  writeSection('Many backups', text);
}

async function createDatabase(server: PostgresServer, folder: string, bytes: number): Promise<Place> {
  console.log(`Making a database of ${formatBytes(bytes)}`);
  const database = 'bench';
  await createBenchDatabase(server, database, bytes, (size) => console.log(`  ${formatBytes(size)}`));
  return { server, database, folder, passphrase: randomBytes(24).toString('base64url') };
}

function programsOf({ binDir }: PostgresServer): string[] {
  return [join(binDir, 'pg_dump'), 'gpg', 'zstd', 'gzip'];
}

function headLines(machine: string[], command: string): string {
  const date = new Date().toISOString().slice(0, 10);
  return [`- ${date}, \`${command}\``, ...machine.map((line) => `- ${line}`)].join('\n');
}

function resultLine({ wall, cpu, serverCpu, memory, node, stored }: Result): string {
  const own = node === null ? '' : ` (node ${node.cpu.toFixed(1)} s, ${formatBytes(node.memory)})`;
  return `${wall.toFixed(1)} s, CPU ${cpu.toFixed(1)} + server ${serverCpu.toFixed(1)} s, ${formatBytes(memory)}${own}, stored ${formatBytes(stored)}`;
}

function parseSize(text: string): number {
  const [, number, unit] = /^(\d+)(MB|GB)$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--size ${text}: expected such as 500MB or 4GB`);
  return Number(number) * (unit === 'GB' ? GB : 1024 ** 2);
}

/** Nothing of the server's own housekeeping runs beside a measurement. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  wal_level: 'minimal',
  max_wal_senders: 0,
  autovacuum: 'off',
};

function chooseComparison(): (server: PostgresServer, folder: string) => Promise<void> {
  if (options.restore) return compareRestore;
  if (options.counting) return compareCounting;
  if (options['memory-only']) return compareMemory;
  const { against } = options;
  return against === undefined ? compareAll : (server, folder) => compareWithEarlier(server, folder, against);
}

async function compareDatabases(): Promise<void> {
  install(['postgres']);
  const folder = join(openRun(), 'bench');
  mkdirSync(folder);
  const server = await startPostgres({ settings: SETTINGS });
  await chooseComparison()(server, folder);
}

try {
  await (options.backups === undefined ? compareDatabases() : compareBackups(Number(options.backups)));
} finally {
  await closeRun();
}
