import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newGnupgHome, type Person, people } from '../support/action/gnupg.ts';
import { runBackup } from '../support/action/run-backup.ts';
import { GITHUB_FILE, type Github } from '../support/runbooks/gh.ts';
import { runBlocks } from '../support/runbooks/run-blocks.ts';
import type { Runbook } from '../support/runbooks/runbook.ts';
import { standIns } from '../support/runbooks/stand-ins.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';
import { runFolder, serverEnvironment } from '../support/servers/run.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

/*
 * The commands of docs/runbooks/, as they stand there, in the order of the page, against real servers. They share one
 * store: its first backup is proven, the one after it is not.
 */

/** As in examples/. */
const BUCKET = 'my-backups';
const STORE = `s3://${BUCKET}/postgres`;

const SHOP = `
create role shop_owner nologin;
create role shop_app login;
grant shop_owner to shop_app;
alter role shop_app set statement_timeout = '30s';
create table customers (id int generated always as identity primary key, name text not null);
create table orders (
  id int generated always as identity primary key, customer int not null references customers, total numeric not null
);
insert into customers (name) select 'customer ' || n from generate_series(1, 200) n;
insert into orders (customer, total) select n % 200 + 1, n from generate_series(1, 500) n;
alter database shop owner to shop_owner;
alter table customers owner to shop_owner;
alter table orders owner to shop_owner;
grant select on orders to shop_app;
`;

let live: PostgresServer;
let s3: S3Server;
let owner: Person;
let signer: Person;
let github: Github;
/** A second store, in which each backup lies as well. */
let onDisk: string;
/** Of the proven backup, and of the newest. */
let proven: string;
let newest: string;

beforeAll(async () => {
  [live, s3, { alice: owner, signer }] = await Promise.all([startPostgres(), ensureCeph(), people()]);
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: BUCKET }));
  github = newGithub();
  onDisk = newFolder();
  await live.createDatabase('shop');
  await live.psql('shop', SHOP);
  proven = await backUp();
  const keys = { 'private-key': owner.secretKey, 'signing-key': signer.secretKey };
  const inputs = { command: 'restore-test', store: STORE, ...keys };
  expect(await runBackup(inputs, { env: storeEnvironment() })).toMatchObject({ exitCode: 0 });
  newest = await backUp();
  await live.psql('postgres', 'alter database shop rename to template_of_shop');
});

function storeEnvironment(): Record<string, string> {
  return { ...awsEnvironment(s3), AWS_ENDPOINT_URL_S3: s3.endpoint };
}

/** A repository whose secrets and variables are set as the examples want them. */
function newGithub(): Github {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = awsEnvironment(s3);
  const store = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  return {
    environments: {
      backup: {
        secrets: { ...store, DATABASE_URL: live.url('shop'), BACKUP_SIGNING_KEY: signer.secretKey },
        vars: {},
      },
      restore: {
        secrets: { ...store, ADMIN_DATABASE_URL: live.url('shop'), BACKUP_PRIVATE_KEY: owner.secretKey },
        vars: {},
      },
    },
    repository: {
      secrets: {},
      vars: { BACKUP_PUBLIC_KEY: owner.publicKey, BACKUP_VERIFICATION_KEY: signer.publicKey },
    },
    env: storeEnvironment(),
    srv: newFolder(),
  };
}

async function backUp(): Promise<string> {
  const store = `${STORE}\nfile://${onDisk}`;
  const keys = { 'public-key': owner.publicKey, 'signing-key': signer.secretKey };
  const inputs = { 'database-url': live.url('shop'), store, ...keys };
  const result = await runBackup(inputs, { env: storeEnvironment() });
  expect(result).toMatchObject({ exitCode: 0 });
  return result.outputs.id ?? '';
}

/** The live server holds the shop as it was backed up, and nothing that an earlier runbook has left. */
async function resetShop(): Promise<void> {
  const names = await live.psql('postgres', "select datname from pg_database where datname like 'shop%'");
  for (const name of names.split('\n').filter(Boolean)) await live.dropDatabase(name);
  await live.createDatabase('shop', 'template template_of_shop owner shop_owner');
}

function newFolder(): string {
  return mkdtempSync(join(runFolder(), 'runbook-'));
}

interface RunbookOptions {
  /** Of the shell, when the page has said it in blocks of another name. */
  env?: Record<string, string>;
  values?: Record<string, string>;
  typed?: Record<string, string>;
  gnupgHome?: string;
  /** What a person answers to every question of gpg. */
  passphrase?: string;
  /** In the folder in which the commands run. */
  files?: Record<string, Buffer>;
}

/** Resolves with what the commands have made of GitHub's secrets and variables. */
async function run(page: Runbook, name: string, options: RunbookOptions = {}): Promise<Github> {
  const { env: more = {}, values = {}, typed = {}, gnupgHome = newGnupgHome(), passphrase, files = {} } = options;
  const folder = newFolder();
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  const githubFile = join(folder, 'github.json');
  const { PATH, ...environment } = serverEnvironment();
  const env = {
    ...environment,
    PATH: `${standIns(newFolder(), passphrase)}:${localPrograms()?.binDir}:${PATH}`,
    GNUPGHOME: gnupgHome,
    PGDATA: live.dataDir,
    [GITHUB_FILE]: githubFile,
    ...more,
  };
  writeFileSync(githubFile, JSON.stringify(github));
  await runBlocks(page, name, { folder, env, values, typed });
  return JSON.parse(readFileSync(githubFile, 'utf8')) as Github;
}

const server = ({ host, port, user }: PostgresServer) => ({ PGHOST: host, PGPORT: String(port), PGUSER: user });
const passwordOf = ({ password }: PostgresServer) => ({ 'read -rs PGPASSWORD': `${password}\n` });
/** Asked for twice. */
const newPassword = (of: string, password: string) => ({
  [`psql -X -d postgres -c '\\password ${of}'`]: `${password}\n${password}\n`,
});

/** The values for `rclone`, and the secret that is typed. */
function remote() {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY } = awsEnvironment(s3);
  const values = {
    RCLONE_CONFIG_STORE_TYPE: 's3',
    RCLONE_CONFIG_STORE_PROVIDER: 'Other',
    RCLONE_CONFIG_STORE_ENDPOINT: s3.endpoint,
    RCLONE_CONFIG_STORE_REGION: s3.region,
    RCLONE_CONFIG_STORE_ENV_AUTH: 'true',
    AWS_ACCESS_KEY_ID,
  };
  return { values, typed: { 'read -rs AWS_SECRET_ACCESS_KEY': `${AWS_SECRET_ACCESS_KEY}\n` } };
}

/** What a custodian has on a stick. */
function keysFolder(): string {
  const folder = newFolder();
  writeFileSync(join(folder, 'private-key.asc'), owner.secretKey);
  writeFileSync(join(folder, 'verification-key.asc'), signer.publicKey);
  return folder;
}

describe('disaster recovery', () => {
  beforeEach(resetShop);

  test('the first minutes', async () => {
    await run('disaster-recovery', 'first');
  });

  test('the database is lost: restored by the workflow under its own name', async () => {
    await live.psql('postgres', 'alter database shop rename to shop_old');
    await run('disaster-recovery', 'database-lost', { values: server(live), typed: passwordOf(live) });
  });

  test('the server is lost: restored onto an empty one, roles and all', async () => {
    const fresh = await startPostgres();
    const typed = {
      'gh secret set ADMIN_DATABASE_URL': fresh.url('shop'),
      ...passwordOf(fresh),
      ...newPassword('shop_app', 'typed twice'),
      'PGUSER=shop_app': 'typed twice\n',
    };
    await run('disaster-recovery', 'server-lost', { values: server(fresh), typed });
  });

  test('GitHub is down: by hand with gpg, zstd and pg_restore; checked, restored, compared', async () => {
    const fresh = await startPostgres();
    await fresh.createDatabase('shop');
    const { values, typed } = remote();
    await run('disaster-recovery', 'by-hand', {
      values: {
        ...values,
        ...server(fresh),
        SET: 'shop',
        STORE: `store:${BUCKET}/postgres`,
        KEYS: keysFolder(),
        ID: proven,
      },
      typed: { ...typed, ...passwordOf(fresh), ...newPassword('shop_app', 'typed twice') },
    });
    await run('disaster-recovery', 'half-restored', { env: fresh.env('postgres') });
    expect(await fresh.psql('postgres', "select datname from pg_database where datname like 'shop%'")).toBe(
      'shop_broken',
    );
  });

  test('a wrong deletion: rows come back out of a backup, one table at a time', async () => {
    await live.psql('shop', 'delete from orders where id > 100; update orders set total = 0 where id = 7');
    await live.psql('shop', 'insert into orders (customer, total) values (1, 1)');
    await run('disaster-recovery', 'wrong-deletion', {
      values: { ...server(live), ID: proven },
      typed: passwordOf(live),
    });
    expect(await live.psql('shop', 'select count(*), sum(total) from orders')).toBe('501|125251');
  });
});

describe('a planned restore', () => {
  beforeEach(resetShop);

  test('stop, swap, verify, resume', async () => {
    await live.psql('shop', 'delete from orders where id > 100');
    await run('planned-restore', 'planned', { values: { ...server(live), ID: proven }, typed: passwordOf(live) });
  });

  test('with a short standstill, and back to the old database', async () => {
    await live.psql('shop', 'delete from orders where id > 100');
    const options = { values: { ...server(live), ID: proven }, typed: passwordOf(live) };
    await run('planned-restore', 'short', options);
    expect(await live.psql('shop', 'select count(*) from orders')).toBe('500');
    await run('planned-restore', 'back', options);
    expect(await live.psql('shop', 'select count(*) from orders')).toBe('100');
  });
});

describe('the monthly review', () => {
  test('the offline key opens a backup', async () => {
    await run('monthly-review', 'key', { values: { KEYS: keysFolder(), BACKUP: join(onDisk, 'shop', newest) } });
  });

  test('what the credentials may delete', async () => {
    const { values, typed } = remote();
    await run('monthly-review', 'store', { values: { ...values, PROBE: `store:${BUCKET}/postgres/probe` }, typed });
  });
});

describe('new backups', () => {
  test('a key is lost: found again, or made anew and given to both workflows', async () => {
    const passphrase = 'on paper';
    const stored = ['manifest.json', 'inventory.json.zst.gpg'];
    github = await run('disaster-recovery', 'key-lost', {
      gnupgHome: owner.home,
      passphrase,
      typed: { 'gh secret set BACKUP_PRIVATE_KEY_PASSPHRASE': passphrase },
      files: Object.fromEntries(stored.map((file) => [file, readFileSync(join(onDisk, 'shop', newest, file))])),
    });
    expect(github.repository?.vars.BACKUP_PUBLIC_KEY).not.toBe(owner.publicKey);
  });

  test('afterwards: the restored database is backed up, with the new key, and proven', async () => {
    await resetShop();
    await run('disaster-recovery', 'afterwards');
  });
});
