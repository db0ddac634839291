import { describe, expect, test } from '@jest/globals';
import { readSettings } from '../../../src/app/read-settings.ts';
import { backupInputs } from '../../../src/commands/backup/inputs.ts';
import { KEY_PASSPHRASE, makeTestKeys } from '../../support/data/test-keys.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const keys = await makeTestKeys();

const minimal: Record<string, string> = {
  'database-url': 'postgresql://backup:correct-horse@db.example.com/shop',
  store: 'file:///srv/backups',
  passphrase: 'correct horse battery staple',
};

function read(inputs: Record<string, string>, env: Record<string, string> = {}, log = new RecordingLog()) {
  return readSettings((name) => inputs[name] ?? '', env, log);
}

const minimalSettings = {
  command: 'backup',
  connection: {
    PGHOST: 'db.example.com',
    PGDATABASE: 'shop',
    PGUSER: 'backup',
    PGPASSWORD: 'correct-horse',
    PGSSLMODE: 'require',
    PGCONNECT_TIMEOUT: '30',
  },
  toolset: { kind: 'auto' },
  databases: null,
  name: null,
  stores: [{ kind: 'file', url: 'file:///srv/backups', path: '/srv/backups' }],
  ssh: null,
  s3: { endpoint: null, storageClass: null, objectLock: null, sse: null, kmsKey: null, createBucket: false },
  encryption: { kind: 'passphrase', passphrase: 'correct horse battery staple' },
  signing: null,
  globals: true,
  fileTrees: [],
  pathsExclude: [],
  dumpArgs: [],
  fingerprint: 'rows',
  compressionLevel: 1,
  lockWaitTimeout: 300_000,
  storeTimeout: 300_000,
  allowEmpty: false,
  allowNewSource: false,
  readBack: 'auto',
  verificationKeys: null,
  retention: null,
  dryRun: false,
};

test('with nothing but what is needed: the defaults', async () => {
  await expect(read(minimal)).resolves.toEqual(minimalSettings);
});

test('with the defaults handed over by the runner: the same', async () => {
  const defaults = Object.fromEntries(Object.entries(backupInputs).map(([name, input]) => [name, input.default]));
  await expect(read({ ...defaults, ...minimal })).resolves.toEqual(minimalSettings);
});

test('blanks around a value, or nothing but blanks, do no harm', async () => {
  const padded = { ...minimal, jobs: '  ', fingerprint: ' rows\n', 'dry-run': '\n', 's3-endpoint': ' ' };
  await expect(read(padded)).resolves.toEqual(minimalSettings);
});

test('with everything', async () => {
  const settings = await read({
    command: 'backup',
    'database-url': 'host=/run/pg dbname=shop user=backup',
    name: 'shop-production',
    store: 's3://bucket/shop\nfile:///srv/backups',
    's3-endpoint': 'https://minio.example.com:9000/',
    toolset: 'local',
    'public-key': keys.public,
    'signing-key': keys.locked,
    'signing-key-passphrase': `${KEY_PASSPHRASE}\n`,
    jobs: '1',
    globals: 'False',
    'dump-args': '--schema=sales',
    fingerprint: 'content',
    'lock-wait-timeout': '90s',
    'store-timeout': '1h',
    'allow-empty': 'TRUE',
    'allow-new-source': 'true',
    'compression-level': '19',
    'read-back': 'required',
    's3-storage-class': 'STANDARD_IA',
    's3-object-lock': 'compliance:7d',
    's3-sse': 'aws:kms',
    's3-kms-key': 'alias/backups',
    's3-create-bucket': 'true',
    'dry-run': 'true',
  });
  expect(settings).toMatchObject({
    connection: { PGHOST: '/run/pg', PGDATABASE: 'shop', PGUSER: 'backup', PGCONNECT_TIMEOUT: '30' },
    name: 'shop-production',
    stores: [{ kind: 's3', bucket: 'bucket', prefix: 'shop' }, { kind: 'file' }],
    ssh: null,
    s3: {
      endpoint: 'https://minio.example.com:9000',
      storageClass: 'STANDARD_IA',
      objectLock: { mode: 'compliance', duration: 604_800_000 },
      sse: 'aws:kms',
      kmsKey: 'alias/backups',
      createBucket: true,
    },
    encryption: { kind: 'public-key', armored: expect.stringContaining('BEGIN PGP PUBLIC KEY BLOCK') },
    signing: { key: expect.stringContaining('BEGIN PGP PRIVATE KEY BLOCK'), passphrase: KEY_PASSPHRASE },
    globals: false,
    dumpArgs: ['--schema=sales'],
    fingerprint: 'content',
    lockWaitTimeout: 90_000,
    storeTimeout: 3_600_000,
    allowEmpty: true,
    allowNewSource: true,
    compressionLevel: 19,
    readBack: 'required',
    dryRun: true,
  });
});

test.each(['shop', 'S', '0', 'a.b_c-D', 'x'.repeat(63), 'caf=C3=A9', '=5Fhidden'])('the name %s', async (name) => {
  await expect(read({ ...minimal, name })).resolves.toMatchObject({ name });
});

describe('secrets are masked before anything is checked', () => {
  test('even when the first check fails', async () => {
    const log = new RecordingLog();
    await expect(read({ ...minimal, command: 'nonsense' }, { PGPASSWORD: 'from the env' }, log)).rejects.toThrow(
      'nonsense',
    );
    expect(log.masked).toEqual(
      expect.arrayContaining([minimal['database-url'], 'correct-horse', minimal.passphrase, 'from the env']),
    );
  });
});

test('A7: no word of forks when secrets are there, or for other events', async () => {
  const fork = { GITHUB_EVENT_NAME: 'pull_request' };
  await expect(read({ ...minimal, store: '' }, fork)).rejects.not.toThrow('forks');
  await expect(read({ store: 'file:///srv/a' }, { GITHUB_EVENT_NAME: 'schedule' })).rejects.not.toThrow('forks');
  await expect(read({ store: 'file:///srv/a' }, fork)).rejects.toThrow('forks');
});

test('S14: a class that must be thawed gives a warning', async () => {
  const log = new RecordingLog();
  await read({ ...minimal, store: 's3://bucket/x', 's3-storage-class': 'DEEP_ARCHIVE' }, {}, log);
  expect(log.warnings).toEqual([expect.stringMatching(/^s3-storage-class: objects of DEEP_ARCHIVE must be restored/)]);
});
