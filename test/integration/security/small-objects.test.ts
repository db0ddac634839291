import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ActionResult } from '../../support/action/harness.ts';
import { type Place, rcloneFolder, sshPlace } from '../../support/faults/places.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../../support/servers/s3-server.ts';
import { ensureSshd } from '../../support/servers/sshd.ts';
import {
  COMMANDS,
  expectOrderlyEnd,
  type Genuine,
  genuineBackup,
  inputsOf,
  type Poisoned,
  poison,
  runBackup,
  saidBy,
} from './poisoned-store.ts';

const HUGE = 3_000_000_000;
const MiB = 1024 * 1024;
/** What a run may hold that has read no more of such an object than the limit, and little else. */
const PEAK = 400 * MiB;
/** Names key, size or limit, and says that it does not count. */
const TOO_LARGE = /manifest\.json.*larger than 16 MiB/;

let genuine: Genuine;
beforeAll(async () => {
  genuine = await genuineBackup('small_objects');
});

/** A file of zeros that takes no room. */
function makeHuge(path: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, '');
  truncateSync(path, HUGE);
}

function expectBounded(result: ActionResult): void {
  expectOrderlyEnd(result);
  expect(result.peakRss).toBeLessThan(PEAK);
}

/** What each command must come to: the good backup is used and kept, and the report names what does not count. */
function expectOutcome(command: string, result: ActionResult, poisoned: Poisoned): void {
  expectBounded(result);
  const { good } = poisoned;
  // A list reads names and sizes alone.
  if (command !== 'list') expect(saidBy(result)).toMatch(TOO_LARGE);
  if (command === 'restore-test') expect(result.outputs).toMatchObject({ id: good, verdict: 'proven' });
  // Red: the newest manifest is junk, and there is nothing to hold.
  expect(result.exitCode).toBe(['check', 'hold'].includes(command) ? 1 : 0);
  expect(readdirSync(join(poisoned.store.path, poisoned.database, good))).toContain('manifest.json');
}

describe('a manifest.json of 3 GB in a folder', () => {
  test.each(COMMANDS)('%s reads 16 MiB of it at most, and does not count it', async (command) => {
    const poisoned = poison(genuine);
    makeHuge(join(poisoned.folder, 'manifest.json'));
    const result = await runBackup(inputsOf(command, genuine, poisoned));
    expectOutcome(command, result, poisoned);
  });
});

describe('a manifest.json of 3 GB that an S3 server sends', () => {
  let s3: S3Server;
  let proxy: HttpProxy;
  beforeAll(async () => {
    s3 = await ensureCeph();
    proxy = await startHttpProxy(s3.endpoint);
  });

  test.each(COMMANDS)('%s reads 16 MiB of it at most', async (command) => {
    const poisoned = poison(genuine);
    const bucket = `small-${crypto.randomUUID()}`;
    const client = s3ClientOf(s3);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const id of [poisoned.good, poisoned.evil]) {
      const folder = join(poisoned.store.path, poisoned.database, id);
      for (const name of readdirSync(folder)) {
        const Key = `${poisoned.database}/${id}/${name}`;
        await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(join(folder, name)) }));
      }
    }
    proxy.reset();
    proxy.when(
      ({ operation, path }) => operation === 'GetObject' && path.endsWith(`${poisoned.evil}/manifest.json`),
      ({ response }) => sendZeros(response, HUGE),
    );
    const inputs = { ...inputsOf(command, genuine, poisoned), store: `s3://${bucket}`, 's3-endpoint': proxy.endpoint };
    const result = await runBackup(inputs, { env: awsEnvironment(s3) });
    expectOutcome(command, result, poisoned);
  });

  async function sendZeros(response: import('node:http').ServerResponse, size: number): Promise<void> {
    response.writeHead(200, { 'content-length': String(size) });
    const chunk = Buffer.alloc(MiB);
    for (let sent = 0; sent < size && !response.destroyed; sent += chunk.length) {
      const more = response.write(chunk.subarray(0, Math.min(chunk.length, size - sent)));
      if (!more) await new Promise<void>((resolve) => void response.once('drain', resolve).once('close', resolve));
    }
    response.end();
  }
});

describe.each<[string, () => Promise<Place & { folder: string }>, string]>([
  ['ssh: with SFTP', async () => sshPlace(await ensureSshd('shell')), '.'],
  ['ssh: with rsync', async () => sshPlace(await ensureSshd('rrsync')), '.'],
  ['rclone:', async () => rcloneFolder(), 'backups'],
])('a manifest.json of 3 GB in %s', (_, newPlace, below) => {
  test('check reads 16 MiB of it at most', async () => {
    const poisoned = poison(genuine);
    makeHuge(join(poisoned.folder, 'manifest.json'));
    const place = await newPlace();
    // Sparse, as it is there.
    const folder = join(place.folder, below);
    execFileSync('cp', ['-rT', '--sparse=always', poisoned.store.path, folder]);
    execFileSync('chown', ['-R', `--reference=${place.folder}`, folder]);
    const inputs = { ...inputsOf('check', genuine, poisoned), store: place.url, ...place.inputs };
    const result = await runBackup(inputs, { env: place.env });
    expectBounded(result);
    expect(saidBy(result)).toMatch(TOO_LARGE);
  });
});

describe('other small objects of 3 GB', () => {
  const signature = (poisoned: Poisoned) => join(poisoned.folder, 'manifest.json.asc');

  test.each(['check', 'prune', 'restore-test'])('a signature, seen by %s', async (command) => {
    const poisoned = poison(genuine);
    makeHuge(signature(poisoned));
    const inputs = inputsOf(command, genuine, poisoned);
    const result = await runBackup({ ...inputs, 'verification-key': genuine.signer.publicKey });
    expectBounded(result);
    expect(saidBy(result)).toMatch(/manifest\.json\.asc.*larger than 16 MiB/);
  });

  test('a record of a restore test, seen by check', async () => {
    const poisoned = poison(genuine);
    const folder = join(poisoned.store.path, poisoned.database, poisoned.good, 'restore-tests');
    mkdirSync(folder);
    makeHuge(join(folder, '20261130T000000Z-0bad0bad-proven.json'));
    rmSync(poisoned.folder, { recursive: true });
    const result = await runBackup({ ...inputsOf('check', genuine, poisoned), 'max-restore-test-age': '999d' });
    expectBounded(result);
    expect(result.exitCode).toBe(1);
  });

  test('a record of a prune, seen by check', async () => {
    const poisoned = poison(genuine);
    const second = await runBackup(inputsOf('backup', genuine, poisoned));
    expect(second.exitCode).toBe(0);
    const pruned = join(poisoned.store.path, poisoned.database, 'pruned');
    mkdirSync(pruned, { recursive: true });
    makeHuge(join(pruned, '20261130T000000Z-0bad0bad.json'));
    rmSync(poisoned.folder, { recursive: true });
    rmSync(join(poisoned.store.path, poisoned.database, poisoned.good), { recursive: true });
    expectBounded(await runBackup(inputsOf('check', genuine, poisoned)));
  });
});

describe('a manifest.json that is nested 2 million times', () => {
  test.each(['check', 'restore-test', 'backup'])('%s', async (command) => {
    const poisoned = poison(genuine);
    const depth = 2_000_000;
    writeFileSync(join(poisoned.folder, 'manifest.json'), '['.repeat(depth) + ']'.repeat(depth));
    const result = await runBackup(inputsOf(command, genuine, poisoned));
    expectBounded(result);
  });
});
