import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as openpgp from 'openpgp';
import { people } from '../support/action/gnupg.ts';
import { type ActionInputs, type ActionResult, runPost } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { scanProcesses } from '../support/action/scan-processes.ts';
import { filesBelow, newStoreFolder } from '../support/action/stored-backup.ts';
import { objectsIn } from '../support/action/stored-objects.ts';
import { sshPlace } from '../support/faults/places.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { execute } from '../support/servers/execute.ts';
import { recordingTools } from '../support/servers/fake-tools.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';
import { ensureSshd, type SshServer } from '../support/servers/sshd.ts';

const DATABASE = 'secretive';
/** Made of pieces that a wrong parser would cut it into, none of which anything else holds. */
const PIECES = ['Grille4', 'Kahn7', 'Ölmühle', 'Dachs3', 'Quirl9', 'Zwirn2'];
const PASSWORD = `${PIECES.slice(0, 3).join('@')}/${PIECES.slice(3).join('%')}:?#&+ "'\\`;
const PASSPHRASE = 'correct battery 4711 staple';
const KEY_PASSPHRASE = 'the key is locked by 8080';
const RCLONE_PASSWORD = 'rclone says friend 1234';
const TOKEN = 'runtime-token-of-the-runner-1234';
/** A value in a table. */
const ROW = 'the plain text of a row 98765';

let server: PostgresServer;
let s3: S3Server;
let bucket: string;
let signingKey: string;
let secrets: string[];
let sshd: SshServer;
/** As rclone's configuration keeps a password: who has it can turn it back. */
let obscured: string;

beforeAll(async () => {
  [server, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await server.createDatabase(DATABASE);
  const literal = PASSWORD.replaceAll("'", "''");
  await server.psql(
    DATABASE,
    `create role ${DATABASE} superuser login password '${literal}';
    create table t as select '${ROW}' as text from generate_series(1, 100)`,
  );
  bucket = `secrets-${crypto.randomUUID()}`;
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  const userIDs = [{ name: 'Signer' }];
  const key = await openpgp.generateKey({ type: 'rsa', rsaBits: 2048, userIDs, passphrase: KEY_PASSPHRASE });
  signingKey = key.privateKey;
  sshd = await ensureSshd('shell');
  obscured = (await execute('rclone', ['obscure', '-'], { input: RCLONE_PASSWORD })).trim();
  const ofStores = [...bodyOf(sshd.key), ...hostKeysOf(sshd), RCLONE_PASSWORD, obscured];
  const texts = [
    ...ofStores,
    PASSWORD,
    ...PIECES,
    PASSPHRASE,
    KEY_PASSPHRASE,
    TOKEN,
    s3.secretAccessKey,
    ...bodyOf(signingKey),
  ];
  secrets = [...new Set(texts.flatMap(formsOf))];
});

/** The keys in its lines of known_hosts. */
function hostKeysOf({ knownHosts }: SshServer): string[] {
  return knownHosts.match(/AAAA\S+/g) ?? [];
}

/** The lines of an armored key that only the key has. */
function bodyOf(key: string): string[] {
  return key.split('\n').filter((line) => /^[A-Za-z0-9+/]{40,}$/.test(line));
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), bytes.toString('base64')];
}

const urlTo = (address: string, password = PASSWORD) =>
  `postgresql://${DATABASE}:${encodeURIComponent(password)}@${address}/${DATABASE}`;

const address = () => `${server.host}:${server.port}`;

/** What every run here is given: all secrets, to two stores. */
function allInputs(store: string): ActionInputs {
  return {
    'database-url': urlTo(address()),
    passphrase: PASSPHRASE,
    'signing-key': signingKey,
    'signing-key-passphrase': KEY_PASSPHRASE,
    store: `${store}\ns3://${bucket}/backups`,
    's3-endpoint': s3.endpoint,
  };
}

const environment = () => ({
  ...awsEnvironment(s3),
  ACTIONS_RUNTIME_TOKEN: TOKEN,
  GITHUB_TOKEN: TOKEN,
  RUNNER_DEBUG: '1',
});

/** Every secret, in some form, that is in the text; named by its place in the list, for this is printed. */
function leaksIn(text: string): number[] {
  return secrets.flatMap((secret, index) => (text.includes(secret) ? [index] : []));
}

/** Where the run has left a secret: what it printed, and every file in the folders that the runner gave it. */
function leaksOf(result: ActionResult): string[] {
  const places = new Map([
    ['stdout', result.stdout.replace(/^::add-mask::.*$/gm, '')],
    ['stderr', result.stderr],
  ]);
  for (const file of filesBelow(result.step.folder)) {
    places.set(
      file,
      readFileSync(join(result.step.folder, file), 'latin1') + readFileSync(join(result.step.folder, file)),
    );
  }
  expect([...places.keys()].join('\n')).toMatch(/github_output\n(.*\n)*.*github_state\n(.*\n)*.*github_step_summary/);
  return [...places].flatMap(([place, text]) => leaksIn(text).map((secret) => `secret ${secret} in ${place}`));
}

test('the search finds a secret in each of its forms', () => {
  expect(leaksIn(`x${PASSWORD}x`).length).toBeGreaterThan(PIECES.length);
  expect(leaksIn(encodeURIComponent(PASSWORD)).length).toBeGreaterThan(1);
  expect(leaksIn(Buffer.from(PASSPHRASE).toString('base64')).length).toBe(1);
  expect(leaksIn(signingKey).length).toBeGreaterThan(10);
  expect(leaksIn('nothing of that')).toEqual([]);
});

describe('a backup that uses every secret', () => {
  const folder = newStoreFolder();
  const tools = recordingTools();
  let result: ActionResult;
  let scan: Awaited<ReturnType<ReturnType<typeof scanProcesses>['stop']>>;

  beforeAll(async () => {
    const scanning = scanProcesses(secrets);
    result = await runBackup(allInputs(folder.url), { env: { ...environment(), PATH: tools.path } });
    scan = await scanning.stop();
    expect(errorsOf(result)).toEqual([]);
    expect(result.exitCode).toBe(0);
  });

  test('L1: shows none on a command line', () => {
    expect(scan.rounds).toBeGreaterThan(20);
    expect(scan.programs.join()).toMatch(/pg_dump/);
    expect(scan.programs.join()).toMatch(/psql/);
    expect(scan.leaks).toEqual([]);
    for (const { args } of tools.calls()) expect(leaksIn(args.join('\n'))).toEqual([]);
  });

  test('leaves none in its log, the files of the runner, its report', () => {
    expect(leaksOf(result)).toEqual([]);
  });

  test('leaves none in the stores, and no row of the database anywhere', async () => {
    const files = filesBelow(folder.path).map((file) => readFileSync(join(folder.path, file), 'latin1'));
    const objects = await objectsIn(s3, bucket, 'backups/');
    expect({ files: files.length, objects: objects.length }).toEqual({ files: 6, objects: 6 });
    for (const text of [...files, ...objects.map((object) => object.text)]) {
      expect(leaksIn(text)).toEqual([]);
      expect(text).not.toContain(ROW);
    }
    const left = filesBelow(result.step.folder).map((file) => readFileSync(join(result.step.folder, file), 'latin1'));
    expect(left.filter((text) => text.includes(ROW))).toEqual([]);
  });

  test('L3: has every one masked: raw, encoded, line by line', () => {
    const masked = [PASSWORD, encodeURIComponent(PASSWORD), PASSPHRASE, KEY_PASSPHRASE, s3.secretAccessKey];
    for (const secret of [...masked, ...bodyOf(signingKey)]) expect(result.masks).toContain(secret);
    // A mask of fewer characters would hide ordinary words.
    expect(result.masks.filter((mask) => mask.length < 4)).toEqual([]);
  });

  test('gives its children the connection, and nothing of the runner', () => {
    const calls = tools.calls();
    expect(new Set(calls.map(({ tool }) => tool))).toEqual(new Set(['pg_dump', 'pg_dumpall', 'pg_restore', 'psql']));
    for (const { tool, args, env } of calls) {
      const { PGPASSWORD, ...others } = env;
      const connects = tool !== 'pg_restore' && !args.includes('--version');
      expect(PGPASSWORD).toBe(connects ? PASSWORD : undefined);
      expect(Object.keys(env).filter((name) => /^(INPUT|AWS|ACTIONS|GITHUB|RUNNER|STATE)_|TOKEN/.test(name))).toEqual(
        [],
      );
      expect(leaksIn(Object.values(others).join('\n'))).toEqual([]);
    }
  });

  test('leaves none in post', async () => {
    const post = await runPost(result);
    expect(leaksOf(post)).toEqual([]);
  });
});

describe('a backup that fails', () => {
  const unlocked = { passphrase: PASSPHRASE, 'signing-key': '', 'signing-key-passphrase': '' };
  const failures: [title: string, inputs: () => ActionInputs, env: () => Record<string, string>, says: RegExp][] = [
    [
      'wrong password with odd characters',
      () => ({ 'database-url': urlTo(address(), `${PASSWORD}wrong`) }),
      () => ({}),
      /password authentication failed/,
    ],
    [
      'a host that is not there',
      () => ({ 'database-url': urlTo('no-such-host.invalid:5432') }),
      () => ({}),
      /no-such-host/,
    ],
    ['a port where nobody listens', () => ({ 'database-url': urlTo('127.0.0.1:1') }), () => ({}), /Connection refused/],
    [
      'L2: a password that is not encoded',
      () => ({ 'database-url': `postgresql://${DATABASE}:${PASSWORD}@${address()}/${DATABASE}` }),
      () => ({}),
      /^database-url: .*percent-encode/,
    ],
    [
      'L2: a password in keywords, unquoted',
      () => ({ 'database-url': `host=${server.host} port=${server.port} dbname=${DATABASE} password=${PASSWORD}` }),
      () => ({}),
      /^database-url: /,
    ],
    [
      'a wrong passphrase of the signing key',
      () => ({ 'signing-key-passphrase': `${KEY_PASSPHRASE}!` }),
      () => ({}),
      /^signing-key: .*cannot be unlocked/,
    ],
    [
      'a private key where a public one is wanted',
      () => ({ ...unlocked, passphrase: '', 'public-key': signingKey }),
      () => ({}),
      /^public-key: .*private key/,
    ],
    [
      'a wrong key of S3',
      () => ({ store: `s3://${bucket}/backups` }),
      () => ({ AWS_SECRET_ACCESS_KEY: `${s3.secretAccessKey}x` }),
      /AWS_SECRET_ACCESS_KEY|SignatureDoesNotMatch/,
    ],
  ];

  test.each(failures)('%s', async (_, inputs, env, says) => {
    const folder = newStoreFolder();
    const scanning = scanProcesses(secrets);
    const all = { ...allInputs(folder.url), ...inputs() };
    const result = await runBackup(all, { env: { ...environment(), ...env() } });
    const { leaks } = await scanning.stop();
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result).length).toBe(1);
    expect(errorsOf(result)[0]?.message).toMatch(says);
    expect(leaks).toEqual([]);
    expect(leaksOf(result)).toEqual([]);
    expect(filesBelow(folder.path)).toEqual([]);
    expect(leaksOf(await runPost(result))).toEqual([]);
  });
});

test('with a public key the job holds no secret that decrypts', async () => {
  const { alice } = await people();
  const folder = newStoreFolder();
  const inputs = { 'database-url': urlTo(address()), store: folder.url, 'public-key': alice.publicKey };
  const result = await runBackup(inputs);
  expect(result).toMatchObject({ exitCode: 0 });
  // The certificate is public: it is not masked, only the connection is.
  expect(result.masks.filter((mask) => alice.publicKey.includes(mask))).toEqual([]);
});

test('T3: the key and the known hosts of ssh:, and the password of rclone:, stay where they are', async () => {
  const [far, farther, folder] = [sshPlace(sshd), sshPlace(sshd), newStoreFolder()];
  const env = {
    ...environment(),
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_SAFE_TYPE: 'crypt',
    RCLONE_CONFIG_SAFE_REMOTE: folder.path,
    RCLONE_CONFIG_SAFE_PASSWORD: obscured,
  };
  const inputs = {
    'database-url': urlTo(address()),
    passphrase: PASSPHRASE,
    ...far.inputs,
    store: `${far.url}\n${farther.url}?via=rsync\nrclone:safe:backups`,
  };
  const scanning = scanProcesses(secrets);
  const result = await runBackup(inputs, { env });
  const { leaks, programs } = await scanning.stop();
  expect({ exitCode: result.exitCode, errors: errorsOf(result) }).toEqual({ exitCode: 0, errors: [] });
  for (const program of ['rclone', 'rsync', 'ssh']) expect(programs.join()).toContain(program);
  expect(leaks).toEqual([]);
  expect(leaksOf(result)).toEqual([]);
  for (const secret of [...bodyOf(sshd.key), obscured]) expect(result.masks).toContain(secret);
  const stored = [far.folder, folder.path].flatMap((path) =>
    filesBelow(path).map((file) => readFileSync(join(path, file), 'latin1')),
  );
  expect(stored.length).toBe(10);
  expect(stored.flatMap(leaksIn)).toEqual([]);
  const refused = await runBackup({ ...inputs, 'ssh-key': signingKey, store: far.url }, { env });
  expect(refused.exitCode).toBe(1);
  expect([...leaksOf(refused), ...leaksOf(await runPost(result))]).toEqual([]);
});
