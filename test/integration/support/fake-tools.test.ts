import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type FakeTools, fakePgDump, type PgDumpBehaviour, recordingTools } from '../../support/servers/fake-tools.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase('fakes');
  await server.psql('fakes', 'CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 100000) n');
});

afterAll(() => server.dropDatabase('fakes'));

function spawnPgDump(tools: FakeTools, args: string[]) {
  return spawn('pg_dump', args, {
    env: { ...server.env('fakes'), PATH: tools.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function pgDump(tools: FakeTools, ...args: string[]) {
  const child = spawnPgDump(tools, args);
  const closed = once(child, 'close');
  const [stdout, stderr, [code, signal]] = await Promise.all([buffer(child.stdout), text(child.stderr), closed]);
  return { size: stdout.length, head: stdout.toString('latin1', 0, 5), stderr, code, signal };
}

const DUMP = ['-Fc', '-Z0'];
const healthy = () => pgDump(recordingTools(), ...DUMP);

test('the real one works', async () => {
  const { size, head, code, stderr } = await healthy();
  expect(size).toBeGreaterThan(3_000_000);
  expect({ head, code, stderr }).toEqual({ head: 'PGDMP', code: 0, stderr: '' });
});

test.each<[PgDumpBehaviour, object]>([
  ['exits 1 at once', { size: 0, code: 1, stderr: 'pg_dump: error: fake failure\n' }],
  ['exits 1 midway', { size: 1_048_576, head: 'PGDMP', code: 1 }],
  ['is killed midway', { size: 1_048_576, head: 'PGDMP', code: null, signal: 'SIGKILL' }],
  ['writes nothing and exits 0', { size: 0, code: 0, stderr: '' }],
])('P1: pg_dump %s', async (behaviour, expected) => {
  expect(await pgDump(fakePgDump(behaviour), ...DUMP)).toMatchObject(expected);
});

test('P1: pg_dump warns and exits 0', async () => {
  const { size } = await healthy();
  const stderr = expect.stringContaining('circular foreign-key');
  expect(await pgDump(fakePgDump('warns and exits 0'), ...DUMP)).toMatchObject({ size, code: 0, stderr });
});

test('P1: pg_dump closes its output and hangs', async () => {
  const { size } = await healthy();
  const child = spawnPgDump(fakePgDump('closes its output and hangs'), DUMP);
  const ended = once(child, 'exit');
  expect(await buffer(child.stdout)).toHaveLength(size);
  await sleep(300);
  expect(child.exitCode).toBeNull();
  child.kill();
  expect(await ended).toEqual([null, 'SIGTERM']);
});

test.each<[PgDumpBehaviour, string]>([
  ['is gone (ENOENT)', 'ENOENT'],
  ['is not executable (EACCES)', 'EACCES'],
  ['has no interpreter (ENOENT)', 'ENOENT'],
])('P1: pg_dump %s once it has told its version', async (behaviour, code) => {
  const tools = fakePgDump(behaviour);
  expect(await pgDump(tools, '--version')).toMatchObject({ code: 0, head: 'pg_du' });
  await expect(pgDump(tools, ...DUMP)).rejects.toMatchObject({ code });
  expect(tools.calls().map(({ args }) => args)).toEqual([['--version']]);
});

test('its version is that of the real one; the schema is the real one unless it is to be fake', async () => {
  const fake = fakePgDump('exits 1 at once');
  expect(await pgDump(fake, '--version')).toEqual(await pgDump(recordingTools(), '--version'));
  expect(await pgDump(fake, '--schema-only')).toMatchObject({ code: 0 });
  expect(await pgDump(fakePgDump('exits 1 at once', { schemaOnly: 'fake' }), '--schema-only')).toMatchObject({
    code: 1,
  });
});

test('calls are recorded with arguments and environment', async () => {
  const tools = recordingTools();
  await pgDump(tools, '--version');
  await pgDump(tools, '-t', 'a b\nc', '', '--schema-only');
  const [first, second] = tools.calls();
  expect(first).toMatchObject({ tool: 'pg_dump', args: ['--version'] });
  expect(second?.args).toEqual(['-t', 'a b\nc', '', '--schema-only']);
  expect(second?.env).toMatchObject({ ...server.env('fakes'), PATH: tools.path });
});
