import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { filePlace } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectCancelled,
  expectGreen,
  expectRed,
  type Rig,
  showHealthy,
  startBackup,
  untilStored,
} from '../../support/faults/rig.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { type StartupParameters, startTcpProxy, type TcpProxy } from '../../support/servers/tcp-proxy.ts';

const DATABASE = 'faults_server';
const MEGABYTE = 1024 * 1024;
const LOST =
  /(closed the connection|terminating connection|connection to server was lost|could not receive data|reset).*run again/is;

let server: PostgresServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await startPostgres();
  await createBulkDatabase(server, DATABASE, 60);
});

afterAll(() => server.stop('immediate'));

beforeEach(async () => {
  proxy = await startTcpProxy(server);
});

afterEach(() => proxy.stop());

/** A rig whose connections go through the proxy. */
function newRig(): Rig {
  const url = new URL(server.url(DATABASE));
  url.port = String(proxy.port);
  return { server, database: DATABASE, place: filePlace(), inputs: { 'database-url': url.href } };
}

function roleIs(role: string): (startup: StartupParameters) => boolean {
  return ({ application_name = '' }) => /^lifeboat-.*-([a-z]+)$/.exec(application_name)?.[1] === role;
}

test('P4: the server is stopped midway', async () => {
  const rig = newRig();
  const before = await showHealthy(rig);
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  await server.stop('immediate');
  const result = await run.finished;
  await server.start();
  await expectRed(rig, result, before, LOST);
});

test('P4: the server goes down in order midway', async () => {
  const rig = newRig();
  const before = await showHealthy(rig);
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  await server.stop('fast');
  const result = await run.finished;
  await server.start();
  await expectRed(rig, result, before, LOST);
});

test('P4: every connection is reset midway, and no new one can be made', async () => {
  const rig = newRig();
  const before = await showHealthy(rig);
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  proxy.stop();
  await expectRed(rig, await run.finished, before, LOST);
});

test.each([
  ['data', 40 * MEGABYTE],
  ['data', 100],
  ['schema', 2000],
  ['snapshot', 0],
  ['snapshot', 3000],
  ['watch', 0],
] as const)('P4: the connection of %s is reset after %i bytes', async (role, afterBytes) => {
  const rig = newRig();
  const before = await showHealthy(rig);
  proxy.when(roleIs(role), 'reset', { afterBytes, times: 1 });
  const result = await startBackup(rig).finished;
  expect(proxy.connections).toContainEqual(expect.objectContaining({ spoiled: 'reset' }));
  await expectRed(rig, result, before, /(closed the connection|lost|reset|could not receive).*(run again|check)/is);
});

test('the server refuses connections', async () => {
  const rig = newRig();
  const before = await showHealthy(rig);
  proxy.refuse();
  await expectRed(rig, await startBackup(rig).finished, before, /Connection refused.*Check that the server runs/s);
});

/** A peer that is gone without a word is noticed only by keepalives; the system's own begin after two hours. */
test('P4: every connection asks within two minutes whether the server is still there', async () => {
  const rig = newRig();
  const before = await showHealthy(rig);
  proxy.when(roleIs('data'), 'stall', { afterBytes: 40 * MEGABYTE });
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  while (!proxy.connections.some(({ spoiled }) => spoiled === 'stall')) await sleep(5);
  // Until what was sent is acknowledged: only then the timer is that of keepalives.
  do await sleep(500);
  while (timersOf(proxy.port).some(([kind]) => kind === RETRANSMISSION));
  const timers = keepaliveTimers(proxy.port);
  await run.cancel();
  expect(timers.length).toBeGreaterThanOrEqual(2);
  for (const seconds of timers) expect(seconds).toBeLessThanOrEqual(120);
  await expectCancelled(rig, await run.finished, before);
});

/**
 * Of every connection to the port, how many seconds from now its keepalive timer fires; infinite when it has none.
 * Documentation/networking/proc_net_tcp.rst: timer 2 is the keepalive's, its time is in ticks of 1/100 s.
 */
function keepaliveTimers(port: number): number[] {
  return timersOf(port).map(([kind, when = '']) =>
    kind === KEEPALIVE ? Number.parseInt(when, 16) / 100 : Number.POSITIVE_INFINITY,
  );
}

const [RETRANSMISSION, KEEPALIVE] = ['01', '02'];

/** The kind of each connection's timer, and when it fires. */
function timersOf(port: number): string[][] {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && state === '01')
    .map(([, , , , , timer = '']) => timer.split(':'));
}

describe('L6: timeouts that are set for the role', () => {
  const role = 'impatient';

  // Lifeboat sets the last two once it knows the server's version. Until then they count, so they are longer.
  beforeAll(async () => {
    await server.psql(
      'postgres',
      `create role ${role} superuser login password 'role-password';
      alter role ${role} set statement_timeout = '200ms';
      alter role ${role} set idle_in_transaction_session_timeout = '200ms';
      ${server.major >= 17 ? `alter role ${role} set transaction_timeout = '1500ms';` : ''}
      ${server.major >= 14 ? `alter role ${role} set idle_session_timeout = '1500ms';` : ''}`,
    );
  });

  function impatientRig(): Rig {
    const url = new URL(server.url(DATABASE));
    url.username = role;
    url.password = 'role-password';
    return { server, database: DATABASE, place: filePlace(), inputs: { 'database-url': url.href } };
  }

  test('do not end a backup that takes longer', async () => {
    const rig = impatientRig();
    await showHealthy({ ...rig, inputs: {} });
    const result = await startBackup(rig).finished;
    expectGreen(result);
    expect(result.duration).toBeGreaterThan(400);
  });

  test('nor one that waits between two attempts to lock', async () => {
    const rig = impatientRig();
    await showHealthy(rig);
    const locked = server.psql(DATABASE, 'begin; lock table small in access exclusive mode; select pg_sleep(600)');
    locked.catch(() => {});
    const holder = `from pg_stat_activity where datname = '${DATABASE}' and wait_event = 'PgSleep'`;
    while ((await server.psql('postgres', `select count(*) ${holder}`)) === '0') await sleep(20);
    const run = startBackup(rig);
    // The pause after it is 2 s: longer than each of the timeouts.
    await run.waitFor((printed) => printed.includes('Attempt 4 '));
    await server.psql('postgres', `select pg_terminate_backend(pid) ${holder}`);
    const result = await run.finished;
    expect(result.log).toMatch(/Attempt 1 backed off/);
    expectGreen(result);
    await expect(locked).rejects.toThrow('terminating connection');
  });
});
