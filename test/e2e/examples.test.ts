import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { inputsOf } from '../support/action/example.ts';
import { type Person, people } from '../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

/* Workflows of examples/ with the inputs that stand there, but for what is not the same anywhere. */
let server: PostgresServer;
let s3: S3Server;
let alice: Person;
let bob: Person;
let signer: Person;

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), ensureCeph()]);
  ({ alice, bob, signer } = await people());
  for (const name of ['shop', 'billing']) {
    await server.createDatabase(name);
    await server.psql(name, 'create table t as select n from generate_series(1, 100) n');
  }
});

async function newBucket(options: { ObjectLockEnabledForBucket?: true } = {}): Promise<string> {
  const bucket = `examples-${crypto.randomUUID()}`;
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket, ...options }));
  return bucket;
}

/** A job of an example. `here`: what the workflow takes from secrets, variables and the matrix. */
function run(example: string, job: string, here: ActionInputs): Promise<ActionResult> {
  const common = { 's3-endpoint': s3.endpoint, 'webhook-url': '', 'metrics-file': '' };
  return runBackup({ ...inputsOf(example, job), ...common, ...here }, { env: awsEnvironment(s3) });
}

/** One key signs backups and records here; examples-together.test.ts has the keys of the plan. */
function signing(): ActionInputs {
  return { 'signing-key': signer.secretKey, 'signing-key-passphrase': '' };
}

function verification(): ActionInputs {
  return { 'verification-key': signer.publicKey };
}

describe('examples/solo-vps.yml', () => {
  test('backs up into the bucket, and proves it', async () => {
    const store = `s3://${await newBucket()}/postgres`;
    const backup = await run('solo-vps', 'backup', {
      store,
      'database-url': server.url('shop'),
      'public-key': alice.publicKey,
      ...signing(),
      ...verification(),
    });
    expect(errorsOf(backup)).toEqual([]);
    expect(JSON.parse(backup.outputs.deleted ?? '')).toEqual([]);
    const keys = { 'private-key': alice.secretKey, 'private-key-passphrase': '' };
    const proof = await run('solo-vps', 'restore-test', { store, ...keys, ...signing(), ...verification() });
    expect(proof.outputs.verdict).toBe('proven');
  });
});

describe('examples/fleet.yml', () => {
  test('backs up every database of a server, and checks every set', async () => {
    const store = `s3://${await newBucket()}/shop-1`;
    const url = { 'database-url': server.url('postgres'), 'public-key': alice.publicKey };
    const backup = await run('fleet', 'backup', { store, ...url, ...signing() });
    expect(errorsOf(backup)).toEqual([]);
    expect(JSON.parse(backup.outputs.backups ?? '')).toHaveLength(2);
    const check = await run('fleet', 'check', { store, ...verification() });
    expect(errorsOf(check)).toEqual([]);
    expect(check.summary).toContain('billing');
  });
});

describe('examples/soc2.yml', () => {
  test('two recipients, locked, signed, proven, with evidence', async () => {
    const store = `s3://${await newBucket({ ObjectLockEnabledForBucket: true })}/postgres`;
    const recipients = `${alice.publicKey}\n${bob.publicKey}`;
    const url = { 'database-url': server.url('shop'), 'public-key': recipients, ...signing(), ...verification() };
    const backup = await run('soc2', 'backup', { store, ...url });
    expect(errorsOf(backup)).toEqual([]);
    const keys = { 'private-key': bob.secretKey, 'private-key-passphrase': '' };
    const proof = await run('soc2', 'restore-test', { store, ...keys, ...signing(), ...verification() });
    expect(errorsOf(proof)).toEqual([]);
    expect(proof.outputs.verdict).toBe('proven');
    const evidence = await run('soc2', 'evidence', { store, ...verification() });
    expect(errorsOf(evidence)).toEqual([]);
    // Nothing goes before 90 days, whoever asks: not even one that is neither the newest nor proven.
    for (const _ of [1, 2]) expect(errorsOf(await run('soc2', 'backup', { store, ...url }))).toEqual([]);
    const prune = {
      command: 'prune',
      name: 'shop',
      store,
      'keep-last': '1',
      force: 'true',
      's3-endpoint': s3.endpoint,
    };
    const pruned = await runBackup(prune, { env: awsEnvironment(s3) });
    expect(JSON.parse(pruned.outputs.deleted ?? '[]')).toEqual([]);
    expect(pruned.summary).toMatch(/locked until 20\d\d-/);
  });
});
