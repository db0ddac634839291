import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type PostgresServer, psql, sharedPostgres } from '../../support/servers/postgres.ts';
import { startTcpProxy, type TcpProxy } from '../../support/servers/tcp-proxy.ts';

const LOST = /server closed the connection unexpectedly|Connection reset by peer/;
const A_MEGABYTE = `SELECT repeat('x', 1000000)`;

let server: PostgresServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await sharedPostgres();
});

beforeEach(async () => {
  proxy = await startTcpProxy(server);
});

afterEach(() => proxy.stop());

/** A connection through the proxy, of that name. */
function through(name: string): Record<string, string> {
  return { ...server.env('postgres'), PGPORT: String(proxy.port), PGAPPNAME: name };
}

function isNamed(name: string): (startup: Record<string, string>) => boolean {
  return (startup) => startup.application_name === name;
}

async function backends(name: string): Promise<number> {
  const count = `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${name}'`;
  return Number(await server.psql('postgres', count));
}

async function untilSpoiled(): Promise<void> {
  while (!proxy.connections.some(({ spoiled }) => spoiled !== null)) await sleep(5);
}

/** A psql that waits for ever, until it is told to give up. */
function hangingPsql(name: string, sql: string) {
  const env = { PATH: process.env.PATH, ...through(name) };
  const child = spawn('psql', ['-X', '-A', '-t', '-c', sql], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = text(child.stdout);
  const ended = once(child, 'close');
  return {
    isRunning: () => child.exitCode === null && child.signalCode === null,
    giveUp: async () => {
      child.kill('SIGKILL');
      await ended;
      return output;
    },
  };
}

test('without a rule everything passes, and connections are recorded', async () => {
  await expect(psql(through('first'), A_MEGABYTE)).resolves.toHaveLength(1_000_000);
  expect(proxy.connections).toMatchObject([
    { startup: { user: 'postgres', database: 'postgres', application_name: 'first' }, spoiled: null, open: false },
  ]);
  expect(proxy.connections[0]?.received).toBeGreaterThan(1_000_000);
});

test('a connection is reset after some bytes', async () => {
  proxy.when(isNamed('cut'), 'reset', { afterBytes: 300_000 });
  await expect(psql(through('cut'), A_MEGABYTE)).rejects.toThrow(LOST);
  expect(proxy.connections).toMatchObject([{ received: 300_000, spoiled: 'reset' }]);
});

test('of several connections only those that the rule names are spoiled, as often as it says', async () => {
  proxy.when(isNamed('pg_dump'), 'reset', { times: 1 });
  proxy.when(isNamed('pg_dump'), 'reset', { times: 1, afterBytes: 100 });
  await expect(psql(through('psql'), 'SELECT 1')).resolves.toBe('1');
  await expect(psql(through('pg_dump'), 'SELECT 1')).rejects.toThrow(LOST);
  await expect(psql(through('pg_dump'), 'SELECT 1')).rejects.toThrow(LOST);
  await expect(psql(through('pg_dump'), 'SELECT 1')).resolves.toBe('1');
  expect(proxy.connections.map(({ received }) => received).slice(1, 3)).toEqual([0, 100]);
});

const MANY_BYTES = A_MEGABYTE.replace('1000000', '20000000');

test('half-open: the backend ends, the client waits', async () => {
  proxy.when(isNamed('half-open'), 'half-open', { afterBytes: 200_000 });
  const client = hangingPsql('half-open', MANY_BYTES);
  await untilSpoiled();
  while ((await backends('half-open')) > 0) await sleep(20);
  await sleep(300);
  expect(client.isRunning()).toBe(true);
  expect(await client.giveUp()).toBe('');
  expect(proxy.connections).toMatchObject([{ received: 200_000, spoiled: 'half-open' }]);
});

test('stall: the backend and the client wait, until the proxy is stopped', async () => {
  proxy.when(isNamed('stall'), 'stall', { afterBytes: 200_000 });
  const client = hangingPsql('stall', MANY_BYTES);
  await untilSpoiled();
  await sleep(500);
  expect(client.isRunning()).toBe(true);
  expect(await backends('stall')).toBe(1);
  proxy.stop();
  while (client.isRunning() || (await backends('stall')) > 0) await sleep(20);
  expect(await client.giveUp()).toBe('');
});

test('a stalled server does not even answer the first packet', async () => {
  proxy.when(() => true, 'stall');
  await expect(psql({ ...through('early'), PGCONNECT_TIMEOUT: '2' }, 'SELECT 1')).rejects.toThrow('timeout expired');
  expect(proxy.connections).toMatchObject([{ received: 0, spoiled: 'stall' }]);
});

test('new connections are refused, and taken again; the open ones live on', async () => {
  const open = psql(through('open'), `SELECT pg_sleep(1); SELECT 'done'`);
  while (proxy.connections.length < 1) await sleep(5);
  proxy.refuse();
  await expect(psql(through('new'), 'SELECT 1')).rejects.toThrow('Connection refused');
  await proxy.accept();
  await expect(psql(through('new'), 'SELECT 1')).resolves.toBe('1');
  await expect(open).resolves.toMatch('done');
});

test('stopping resets every connection', async () => {
  const open = psql(through('open'), 'SELECT pg_sleep(60)').catch(String);
  while ((await backends('open')) < 1) await sleep(5);
  proxy.stop();
  expect(await open).toMatch(LOST);
  await expect(psql(through('new'), 'SELECT 1')).rejects.toThrow('Connection refused');
});
