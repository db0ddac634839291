import { once } from 'node:events';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openFileStore } from '../../../src/store/file/store.ts';
import type { Store } from '../../../src/store/store.ts';
import { openTimed } from '../../../src/store/timeout/timed.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { type Exchange, type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { startHttpService } from '../../support/servers/http-service.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../../support/servers/s3-server.ts';
import { recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, get } from '../../support/store/objects.ts';

const DATABASE = 'slow_store';
const MiB = 1024 * 1024;

let postgres: PostgresServer;
let s3: S3Server;
let proxy: HttpProxy;
/** Holds one backup. */
let bucket: string;

beforeAll(async () => {
  [postgres, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  proxy = await startHttpProxy(s3.endpoint);
  await postgres.createDatabase(DATABASE);
  await postgres.psql(DATABASE, 'create table orders as select n from generate_series(1, 1000) n');
  bucket = `slow-${crypto.randomUUID()}`;
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  const result = await run({ ...inS3(), 'database-url': postgres.url(DATABASE) });
  expect(errorsOf(result)).toEqual([]);
});

beforeEach(() => proxy.reset());

function inS3(): ActionInputs {
  return { store: `s3://${bucket}`, 's3-endpoint': proxy.endpoint, passphrase: PASSPHRASE, name: DATABASE };
}

function run(inputs: ActionInputs): Promise<ActionResult> {
  return runBackup(inputs, { env: awsEnvironment(s3) });
}

/** The server is asked; its answer comes byte by byte, and no connection is ever idle. */
async function drip({ forward, response }: Exchange): Promise<void> {
  const answer = await forward();
  const bytes: number[] = [];
  for await (const chunk of answer) bytes.push(...(chunk as Buffer));
  const { 'content-range': range, 'content-type': type = '' } = answer.headers;
  const headers = { 'content-type': type, ...(range === undefined ? {} : { 'content-range': range }) };
  response.writeHead(answer.statusCode ?? 0, { ...headers, 'content-length': String(bytes.length) });
  for (const byte of bytes) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await sleep(50);
  }
  response.end();
}

/** Begins an answer, and goes on no more. */
async function beginOnly({ response }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('<');
}

const COMMANDS: Record<string, ActionInputs> = {
  list: {},
  check: {},
  prune: { 'keep-last': '1' },
  'restore-test': {},
  hold: { backup: 'latest' },
};

function expectGivenUp(result: ActionResult): void {
  expect(result.exitCode).toBe(1);
  expect(result.log + errorsOf(result).map(({ message }) => message)).toMatch(
    /s3:\/\/slow-\S+ (did not answer for \d+ s|sends less than 16 KiB\/s).*store-timeout/,
  );
}

describe('a server that drips: one byte after the other, for ever', () => {
  test.each(Object.keys(COMMANDS))('%s gives it up after store-timeout', async (command) => {
    proxy.when(({ operation }) => operation === 'GetObject', drip);
    // list reads names and sizes, and an object only for its chart.
    if (command === 'list') proxy.when('ListObjects', drip);
    const timeout = command === 'list' ? '1s' : '2s';
    const result = await run({ command, ...inS3(), ...COMMANDS[command], 'store-timeout': timeout });
    expectGivenUp(result);
    expect(result.duration).toBeLessThan(45_000);
  });

  test('a volume that drips ends a restore test, though its manifest came', async () => {
    proxy.when(({ operation, path }) => operation === 'GetObject' && path.includes('data.dump'), drip);
    const result = await run({ command: 'restore-test', ...inS3(), 'store-timeout': '2s' });
    expectGivenUp(result);
    expect(errorsOf(result)[0]?.message).toMatch(/sends less than 16 KiB\/s.*data\.dump/);
  });
});

test.each(['HeadObject', 'ListObjects', 'GetObject'])(
  'a server that begins an answer to %s and stops',
  async (operation) => {
    proxy.when(
      operation,
      operation === 'HeadObject' ? ({ response }) => once(response, 'close').then(() => {}) : beginOnly,
    );
    const result = await run({ command: 'restore-test', ...inS3(), 'store-timeout': '1s' });
    expectGivenUp(result);
  },
);

describe('in a backup into two stores', () => {
  let folder: StoreFolder;
  beforeEach(() => {
    folder = newStoreFolder();
  });

  test('the one that drips is given up alone, with its reads as with its writes', async () => {
    proxy.when(({ operation }) => operation === 'GetObject', drip);
    const inputs = { ...backupInputs(postgres, DATABASE, folder), name: DATABASE, 's3-endpoint': proxy.endpoint };
    const result = await run({ ...inputs, store: `s3://${bucket}\n${folder.url}`, 'store-timeout': '3s' });
    expectGivenUp(result);
    expect(readdirSync(join(folder.path, DATABASE, result.outputs.id ?? ''))).toContain('manifest.json');
  });
});

describe('a store', () => {
  const root = mkdtempSync(join(tmpdir(), 'lifeboat-slow-'));

  function slow(change: (store: Store) => Partial<Store>, timeout: number): Promise<Store> {
    return openTimed(timeout, recordedContext(), async (context) => {
      const store = openFileStore({ path: root, url: `file://${root}` }, context);
      const bound = Object.create(store) as Store;
      for (const name of ['read', 'size', 'list', 'create', 'open', 'remove', 'folders'] as const) {
        Object.assign(bound, { [name]: (store[name] as () => unknown).bind(store) });
      }
      return Object.assign(bound, { url: store.url }, change(store));
    });
  }

  async function* everySoOften(bytes: number, times: number): AsyncGenerator<Buffer> {
    for (let time = 0; time < times; time++) {
      await sleep(20);
      yield Buffer.alloc(bytes);
    }
  }

  test('that brings enough is read to its end, however long that takes', async () => {
    const store = await slow(() => ({ read: async () => Readable.from(everySoOften(8 * 1024, 100)) }), 1_000);
    expect((await get(store, 'a')).length).toBe(100 * 8 * 1024);
  });

  test('whose reader takes its time is not late', async () => {
    const timeout = 1_000;
    writeFileSync(join(root, 'large'), bytesOf(3 * MiB));
    const store = await slow(() => ({}), timeout);
    let size = 0;
    for await (const chunk of await store.read('large')) {
      size += (chunk as Buffer).length;
      await sleep(1.2 * timeout);
    }
    expect(size).toBe(3 * MiB);
    for await (const _ of store.list('')) await sleep(1.2 * timeout);
  });

  test('that was late once is not waited for again', async () => {
    const store = await slow(() => ({ size: () => new Promise(() => {}) }), 1_000);
    const first = await failureOf(store.size('a'));
    expect(first).toMatchObject({ code: 'late', message: expect.stringContaining('store-timeout') });
    const started = performance.now();
    expect(await failureOf(store.read('a'))).toBe(first);
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('that moves whole objects has longer for a large one', async () => {
    const read = async () => {
      await sleep(400);
      return Readable.from([Buffer.alloc(1)]);
    };
    const large = await slow(() => ({ movesWhole: true, size: async () => 1e6, read }), 100);
    expect((await get(large, 'a')).length).toBe(1);
    const small = await slow(() => ({ movesWhole: true, size: async () => 10, read }), 100);
    expect(await failureOf(get(small, 'a'))).toMatchObject({ code: 'late' });
  });
});

describe('an S3 server', () => {
  test('that redirects to another host: nothing is sent there', async () => {
    const other = await startHttpService();
    for (const status of [301, 302, 307, 308]) {
      proxy.reset();
      proxy.when(
        () => true,
        async ({ request, response }) => {
          request.resume();
          response.writeHead(status, { location: `${other.url}${request.url}`, 'content-length': '0' }).end();
        },
      );
      const result = await run({ command: 'check', ...inS3() });
      expect(result.exitCode).toBe(1);
    }
    expect(other.requests).toEqual([]);
    await other.stop();
  });

  test.each([
    ['an error', 400],
    ['a page of a listing', 200],
  ])('that sends 1 GB as %s takes no memory', async (_, status) => {
    proxy.when(
      () => true,
      ({ response }) => endlessXml(response, status),
    );
    const result = await run({ command: 'check', ...inS3() });
    expect(result.exitCode).toBe(1);
    expect(result.peakRss).toBeLessThan(400 * MiB);
  });

  async function endlessXml(response: ServerResponse, status: number): Promise<void> {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.write('<?xml version="1.0"?><Error><Code>');
    const chunk = Buffer.alloc(MiB, 'x');
    for (let sent = 0; sent < 1e9 && !response.destroyed; sent += chunk.length) {
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => void response.once('drain', resolve).once('close', resolve));
    }
    response.end();
  }
});
