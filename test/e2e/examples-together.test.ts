import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readPage } from '../../scripts/docs/page.ts';
import { REPOSITORY } from '../support/action/action-definition.ts';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { followKeyPlan } from '../support/action/key-plan.ts';
import { errorsOf } from '../support/action/run-backup.ts';
import { makeTree } from '../support/data/made-tree.ts';
import { type Github, type Job, type JobOptions, runJob } from '../support/runbooks/gh.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

/*
 * The README's workflow and every workflow of examples/, one after another, in one bucket, with the keys of
 * docs/getting-started.md. Their inputs are those of the files; `adapt` has what is different on every machine.
 */
type Workflow = { jobs: Record<string, Job> };

/** A job of a workflow, and what a person or a matrix gives it. */
type Step = [example: string, job: string, options?: JobOptions];

/** README.md has the first one: later the store has a second set, which that workflow does not expect. */
const STEPS: Step[] = [
  ['README', 'backup'],
  ['README', 'restore-test'],
  ['nightly-backup', 'backup'],
  ['nightly-restore-test', 'restore-test'],
  ['nightly-restore-test-service', 'restore-test'],
  ['docker-compose', 'backup'],
  ['docker-compose', 'restore-test'],
  ['solo-vps', 'backup'],
  ['solo-vps', 'restore-test'],
  ['supabase', 'backup'],
  ['supabase', 'restore-test'],
  ['fleet', 'backup', { matrix: { server: 'shop-1', team: 'shop' } }],
  ['fleet', 'check', { matrix: { server: 'shop-1' } }],
  ['check', 'check'],
  ['check-from-elsewhere', 'check'],
  ['restore', 'restore', { inputs: { backup: 'latest-proven', confirm: 'shop', 'dry-run': 'false' } }],
  ['pull-request-check', 'migrations'],
  ['soc2', 'backup'],
  ['soc2', 'restore-test'],
  ['soc2', 'evidence'],
  ['prune', 'prune'],
];

const BUCKET = `together-${crypto.randomUUID()}`;

let live: PostgresServer;
let s3: S3Server;
let github: Github;
let storage: string;
let mask: string;

beforeAll(async () => {
  [live, s3, github] = await Promise.all([startPostgres(), ensureCeph(), followKeyPlan()]);
  const client = s3ClientOf(s3);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
  if (s3.guest !== undefined) await client.send(new PutBucketPolicyCommand(readersPolicy(s3.guest.name)));
  github.bucket = BUCKET;
  github.env = { AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region };
  addPlaces();
  await live.createDatabase('shop');
  await live.psql(
    'shop',
    `create table customers (id int primary key, name text);
    insert into customers select n, 'Name ' || n from generate_series(1, 500) n;
    create schema storage;
    create table storage.objects (bucket_id text, name text, version text);
    insert into storage.objects values ('avatars', 'one.png', 'v1');`,
  );
  storage = makeTree({ 'stub/stub/avatars/one.png/v1': 'image' });
  mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
  writeFileSync(mask, "update customers set name = 'masked'");
});

/** The jobs that only look get credentials that can only list and read. */
function readersPolicy(name: string): { Bucket: string; Policy: string } {
  const Principal = { AWS: [`arn:aws:iam:::user/${name}`] };
  const bucket = `arn:aws:s3:::${BUCKET}`;
  const Statement = [
    { Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: `${bucket}/*` },
    { Effect: 'Allow', Principal, Action: 's3:ListBucket', Resource: bucket },
  ];
  return { Bucket: BUCKET, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) };
}

/** What the examples take from GitHub beside keys: where the databases and the bucket are, by job. */
function addPlaces(): void {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = awsEnvironment(s3);
  const store = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const { accessKeyId, secretAccessKey } = s3.guest ?? s3;
  const readOnly = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const reader = { BACKUP_READER_ACCESS_KEY_ID: accessKeyId, BACKUP_READER_SECRET_ACCESS_KEY: secretAccessKey };
  const { environments, repository } = github;
  const { backup, restore, prune } = environments;
  if (!backup || !restore || !prune || !repository) throw new Error('the pages create other Environments');
  Object.assign(repository.secrets, reader);
  Object.assign(backup.secrets, store, { DATABASE_URL: live.url('shop') });
  Object.assign(restore.secrets, store, { ADMIN_DATABASE_URL: live.url('shop') });
  Object.assign(prune.secrets, store);
  environments['backup-shop'] = structuredClone(backup);
  environments.check = { secrets: { ...readOnly }, vars: {} };
  const { BACKUP_PRIVATE_KEY = '', BACKUP_PRIVATE_KEY_PASSPHRASE = '' } = restore.secrets;
  const decrypting = { BACKUP_PRIVATE_KEY, BACKUP_PRIVATE_KEY_PASSPHRASE };
  environments['pull-request-restore'] = { secrets: { ...readOnly, ...decrypting }, vars: {} };
  environments.watch = { secrets: { ...reader, ...decrypting }, vars: {} };
}

/** No containers, no sockets of a server's own, and no folders of a machine's. */
function adapt(inputs: ActionInputs): ActionInputs {
  const here: ActionInputs = {
    'database-url': live.url('shop'),
    'scratch-url': live.url('postgres'),
    toolset: 'local',
    paths: `storage=${storage}`,
    'after-restore': mask,
    'metrics-file': join(github.srv, 'lifeboat.prom'),
  };
  const used = Object.entries(here).filter(([name]) => name in inputs);
  return { ...inputs, ...Object.fromEntries(used) };
}

function workflowOf(example: string): Workflow {
  if (example !== 'README')
    return parse(readFileSync(join(REPOSITORY, 'examples', `${example}.yml`), 'utf8')) as Workflow;
  const { snippets } = readPage(join(REPOSITORY, 'README.md'));
  return parse(snippets.find(({ text }) => text.includes('restore-test:'))?.text ?? '') as Workflow;
}

/** Runs the job's step. Fails when it is red. */
async function run(example: string, name: string, options: JobOptions = {}): Promise<ActionResult> {
  const job = workflowOf(example).jobs[name];
  if (job === undefined) throw new Error(`${example} has no job ${name}`);
  const result = await runJob(github, job, { adapt, ...options });
  expect(errorsOf(result)).toEqual([]);
  expect(result.exitCode).toBe(0);
  return result;
}

test('every job of an example that uses Lifeboat is run below', () => {
  const examples = readdirSync(join(REPOSITORY, 'examples')).map((file) => file.replace(/\.yml$/, ''));
  const used = ['README', ...examples].flatMap((example) =>
    Object.entries(workflowOf(example).jobs)
      .filter(([, { steps }]) => steps.some(({ uses }) => uses?.startsWith('OWNER/lifeboat@')))
      .map(([job]) => `${example}: ${job}`),
  );
  expect(STEPS.map(([example, job]) => `${example}: ${job}`).sort()).toEqual(used.sort());
});

describe('one after another, each is green', () => {
  // Not three parameters: to a row of two, jest adds a callback.
  test.each(STEPS)('%s: %s', async (...[example, job, options]) => {
    const result = await run(example, job, options);
    if (job === 'restore-test') expect(result.outputs.verdict).toBe('proven');
  });
});

describe('the newest proven backup, when a later one is untested and a later one is damaged', () => {
  let proven: string;
  let objects: string[];

  beforeAll(async () => {
    await run('nightly-backup', 'backup');
    const tested = await run('nightly-restore-test', 'restore-test');
    proven = tested.outputs.id ?? '';
    objects = await objectsOf(proven);
    await run('nightly-backup', 'backup');
    const damaged = await run('nightly-backup', 'backup');
    await flipOneBit(`postgres/shop/${damaged.outputs.id}/data.dump.zst.gpg`);
  });

  test('survives a prune that keeps one backup', async () => {
    const keepOne = { 'keep-daily': '', 'keep-monthly': '', 'keep-last': '1' };
    const pruned = await run('prune', 'prune', { adapt: (inputs) => ({ ...adapt(inputs), ...keepOne }) });
    const deleted = JSON.parse(pruned.outputs.deleted ?? '') as { id: string }[];
    expect(deleted.length).toBeGreaterThan(0);
    expect(deleted.map(({ id }) => id)).not.toContain(proven);
    expect(await objectsOf(proven)).toEqual(objects);
  });

  test('is the one that a restore takes', async () => {
    const inputs = { backup: 'latest-proven', confirm: 'shop', 'dry-run': 'true' };
    const { outputs } = await run('restore', 'restore', { inputs });
    expect(outputs.id).toBe(proven);
  });

  test('satisfies the checks, which also find what the prune has deleted in its record', async () => {
    await run('check', 'check');
    await run('check-from-elsewhere', 'check');
  });
});

async function objectsOf(id: string): Promise<string[]> {
  const Prefix = `postgres/shop/${id}/`;
  const { Contents = [] } = await s3ClientOf(s3).send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix }));
  return Contents.map(({ Key = '', ETag }) => `${Key} ${ETag}`);
}

async function flipOneBit(Key: string): Promise<void> {
  const client = s3ClientOf(s3);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: bytes }));
}
