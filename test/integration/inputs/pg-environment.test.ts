import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConnection } from '../../../src/inputs/connection/pg-environment.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { execute } from '../../support/servers/execute.ts';
import { type PostgresServer, psql, quoteIdentifier, sharedPostgres } from '../../support/servers/postgres.ts';
import { localPrograms } from '../../support/servers/postgres-programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-'));
afterAll(() => rmSync(folder, { recursive: true }));

function resolve(url: string, env: Record<string, string> = {}, log = new RecordingLog()) {
  return resolveConnection(url, env, log);
}

function fileOf(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('where a parameter comes from', () => {
  test('the string first, then the service, then the environment, as in libpq', async () => {
    const PGSERVICEFILE = fileOf(
      'order.conf',
      '[other]\nhost=wrong\n[shop]\nport=5001\ndbname=of-service\nuser=of-service\n',
    );
    const env = {
      PGSERVICE: 'shop',
      PGSERVICEFILE,
      PGDATABASE: 'of-env',
      PGUSER: 'of-env',
      PGPORT: '5002',
      PGOPTIONS: '-c a=b',
    };
    await expect(resolve('postgresql://127.0.0.1/of-url', env)).resolves.toEqual({
      PGHOST: '127.0.0.1',
      PGPORT: '5001',
      PGDATABASE: 'of-url',
      PGUSER: 'of-service',
      PGOPTIONS: '-c a=b',
      PGCONNECT_TIMEOUT: '30',
    });
  });

  test("an explicit empty value means libpq's own default", async () => {
    const env = { PGHOST: 'elsewhere', PGUSER: 'u' };
    await expect(resolve("host='' dbname=shop", env)).resolves.toEqual({
      PGDATABASE: 'shop',
      PGUSER: 'u',
      PGCONNECT_TIMEOUT: '30',
    });
  });

  test('what names sessions, encodings and formats is not taken from the environment', async () => {
    const env = {
      PGAPPNAME: 'x',
      PGCLIENTENCODING: 'LATIN1',
      PGDATESTYLE: 'German',
      PGTZ: 'x',
      PGGEQO: 'off',
      PGDATABASE: 'shop',
      PGUSER: 'u',
    };
    await expect(resolve('', env)).resolves.toEqual({ PGDATABASE: 'shop', PGUSER: 'u', PGCONNECT_TIMEOUT: '30' });
  });

  test('empty variables are none: a secret that does not exist', async () => {
    const env = { PGDATABASE: 'shop', PGHOST: '', PGPASSWORD: '', PGPORT: '', PGSERVICE: '', PGPASSFILE: '' };
    await expect(resolve('user=u', env)).resolves.toEqual({ PGDATABASE: 'shop', PGUSER: 'u', PGCONNECT_TIMEOUT: '30' });
  });

  test('the user of the process is the default, named', async () => {
    await expect(resolve('dbname=shop')).resolves.toMatchObject({ PGUSER: userInfo().username });
  });
});

test.each([
  ['postgresql://db.example.com/shop', 'require'],
  ['postgresql://10.0.0.7/shop', 'require'],
  ['postgresql://127.0.0.1,db.example.com/shop', 'require'],
  ['host=localhost hostaddr=10.0.0.7 dbname=shop', 'require'],
  ['postgresql://localhost.example.com/shop', 'require'],
  ['postgresql://127.example.com/shop', 'require'],
  ['postgresql://db.example.com/shop?sslrootcert=/etc/ca.pem', 'verify-full'],
  ['postgresql://db.example.com/shop?sslrootcert=system', 'verify-full'],
  ['postgresql://db.example.com/shop?sslmode=verify-ca&sslrootcert=/etc/ca.pem', 'verify-ca'],
  ['postgresql://db.example.com/shop?sslmode=disable', 'disable'],
  ['postgresql://localhost,127.3.2.1,[::1]/shop', undefined],
  ['postgresql://%2Fvar%2Frun%2Fpostgresql/shop', undefined],
  ['postgresql:///shop', undefined],
  ['host=@abstract dbname=shop', undefined],
])('L5: the sslmode of %s is %s', async (url, mode) => {
  expect((await resolve(url)).PGSSLMODE).toBe(mode);
});

test('L5: plain text over a network is warned of', async () => {
  const log = new RecordingLog();
  await resolve('postgresql://db.example.com/shop?sslmode=prefer', {}, log);
  expect(log.warnings).toEqual([expect.stringMatching(/^database-url: with sslmode=prefer .* plain text/)]);
  await resolve('postgresql://localhost/shop?sslmode=prefer', {}, log);
  await resolve('postgresql://db.example.com/shop', {}, log);
  expect(log.warnings).toHaveLength(1);
});

test('foreign parameters are told', async () => {
  const log = new RecordingLog();
  await resolve('postgresql://localhost/shop?pgbouncer=true&application_name=x', {}, log);
  expect(log.notices).toEqual([
    'database-url: pgbouncer is left out: a parameter of another driver or a pooler, not of libpq.',
    'database-url: application_name is left out: Lifeboat names its sessions itself.',
  ]);
});

describe('the service file', () => {
  const withService = (text: string) =>
    resolve('', { PGSERVICE: 'shop', PGSERVICEFILE: fileOf('service.conf', text), PGUSER: 'u' });

  test('comments, blanks, the first of two lines, the first of two sections', async () => {
    const text = '# x\n\n[a]\nhost=wrong\n[shop]\n  # y\n dbname=one \ndbname=two\n host=127.0.0.1\n[shop]\nport=9\n';
    await expect(withService(text)).resolves.toMatchObject({ PGDATABASE: 'one', PGHOST: '127.0.0.1' });
    expect((await withService(text)).PGPORT).toBeUndefined();
  });

  test('its password is masked', async () => {
    const log = new RecordingLog();
    const PGSERVICEFILE = fileOf('secret.conf', '[shop]\ndbname=x\npassword=s3cretpw\n');
    await expect(resolve('service=shop', { PGSERVICEFILE }, log)).resolves.toMatchObject({ PGPASSWORD: 's3cretpw' });
    expect(log.masked).toContain('s3cretpw');
  });

  test.each([
    ['[shop]\ndbname=x\nnonsense=s3cretpw', /line 3 of the service file ".*" is not name=value/],
    ['[shop]\ns3cretpw', /line 2 of the service file/],
    ['[shop]\nservice=s3cretpw', /cannot name another/],
    ['[shop]\nldap://s3cretpw', /LDAP/],
    ['[shops]\ndbname=x', /the service "shop" stands in none of/],
    ['[shop]\ndbname=x\nport=s3cretpw', /port of the service is not a port/],
  ])('%j', async (text, problem) => {
    await expect(withService(text)).rejects.toThrow(problem);
    await expect(withService(text)).rejects.not.toThrow('s3cretpw');
  });

  test("without PGSERVICEFILE: the user's, then the system's", async () => {
    const env = { PGSERVICE: 'shop', HOME: folder, PGSYSCONFDIR: join(folder, 'system'), PGUSER: 'u' };
    await expect(resolve('', env)).rejects.toThrow(
      /the service "shop" stands in none of ".*\.pg_service\.conf", ".*system\/pg_service\.conf"/,
    );
    mkdirSync(env.PGSYSCONFDIR);
    fileOf('system/pg_service.conf', '[shop]\ndbname=of-system\n');
    await expect(resolve('', env)).resolves.toMatchObject({ PGDATABASE: 'of-system' });
    fileOf('.pg_service.conf', '[shop]\ndbname=of-user\n');
    await expect(resolve('', env)).resolves.toMatchObject({ PGDATABASE: 'of-user' });
  });

  test('without PGSERVICE none is read', async () => {
    const PGSERVICEFILE = fileOf('hostile.conf', '[shop]\nhost=hostile.example.com\n');
    await expect(resolve('dbname=shop user=u', { PGSERVICEFILE })).resolves.toEqual({
      PGDATABASE: 'shop',
      PGUSER: 'u',
      PGCONNECT_TIMEOUT: '30',
    });
  });
});

describe('the password file', () => {
  const passwordFor = async (url: string, text: string) =>
    (await resolve(url, { PGPASSFILE: fileOf('pgpass', text) })).PGPASSWORD;
  const URL = 'postgresql://u@127.0.0.1:5433/shop';

  test.each([
    ['127.0.0.1:5433:shop:u:right', 'right'],
    ['*:*:*:*:right', 'right'],
    ['#*:*:*:*:wrong\nother:*:*:*:wrong\n*:5432:*:*:wrong\n*:*:*:u:right\n*:*:*:*:late', 'right'],
    ['*:*:*:*:r\\:ig\\\\ht', 'r:ig\\ht'],
    ['*:*:*:*:right:comment', 'right'],
    ['*:*:*:*:right\r\n', 'right'],
    ['127.0.0.1:5433:\\shop:u:right', 'right'],
    ['127.0.0.1:5433:sho*:u:wrong', undefined],
    ['\\*:*:*:*:wrong', undefined],
    ['localhost:*:*:*:wrong', undefined],
    [':*:*:*:wrong', undefined],
    ['*:*:*:wrong', undefined],
    ['', undefined],
  ])('%j', async (text, password) => {
    expect(await passwordFor(URL, text)).toBe(password);
  });

  test('names with : and \\, the default port, the default socket', async () => {
    expect(await passwordFor("host=127.0.0.1 user='a:b' dbname='c\\\\d'", '127.0.0.1:5432:c\\\\d:a\\:b:right')).toBe(
      'right',
    );
    expect(await passwordFor('user=u dbname=d', 'localhost:*:*:*:right')).toBe('right');
    expect(await passwordFor('host=/tmp user=u dbname=d', 'localhost:*:*:*:right')).toBe('right');
    expect(await passwordFor('host=/run/own user=u dbname=d', '/run/own:*:*:*:right')).toBe('right');
  });

  test('its password is masked; one that is given comes first', async () => {
    const log = new RecordingLog();
    const passfile = fileOf('masked', '*:*:*:*:s3cretpw');
    await resolve(`dbname=d passfile=${passfile}`, {}, log);
    expect(log.masked).toContain('s3cretpw');
    await expect(resolve(`dbname=d password=given passfile=${passfile}`)).resolves.toMatchObject({
      PGPASSWORD: 'given',
    });
  });

  test('several hosts need one password', async () => {
    const url = 'postgresql://u@localhost,127.0.0.1/shop';
    expect(await passwordFor(url, '*:*:*:*:right')).toBe('right');
    await expect(passwordFor(url, 'localhost:*:*:*:one\n*:*:*:*:two')).rejects.toThrow(
      'different passwords for the hosts',
    );
  });

  test('L4: one that others can read is refused, a folder too; /dev/null is none', async () => {
    const open = fileOf('open', '*:*:*:*:s3cretpw', 0o640);
    await expect(resolve(URL, { PGPASSFILE: open })).rejects.toThrow(/can be read by others. Run: chmod 0600/);
    await expect(resolve(URL, { PGPASSFILE: folder })).rejects.toThrow(/is not a plain file/);
    expect((await resolve(URL, { PGPASSFILE: '/dev/null' })).PGPASSWORD).toBeUndefined();
  });
});

describe('against libpq itself', () => {
  let server: PostgresServer;
  const role = `o'r"o\\l:e@é ${process.pid}`;
  const database = `d=b /x%y ${process.pid}`;
  const password = 'p@ss:/w%r d\\\'"?#é&=';

  beforeAll(async () => {
    server = await sharedPostgres();
    await server.psql(
      'postgres',
      `CREATE ROLE ${quoteIdentifier(role)} LOGIN PASSWORD '${password.replaceAll("'", "''")}'`,
    );
    await server.createDatabase(database);
  });
  afterAll(async () => {
    await server.dropDatabase(database);
    await server.psql('postgres', `DROP ROLE ${quoteIdentifier(role)}`);
  });

  const WHO = 'SELECT current_database(), session_user';
  const encode = encodeURIComponent;
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;

  test.each([
    ['a URL', () => `postgresql://${encode(role)}:${encode(password)}@127.0.0.1:${server.port}/${encode(database)}`],
    [
      'a URL with a socket',
      () =>
        `postgres://${encode(role)}:${encode(password)}@${encode(server.socketDir)}:${server.port}/${encode(database)}`,
    ],
    [
      'parameters',
      () =>
        `postgresql:///?host=127.0.0.1&port=${server.port}&dbname=${encode(database)}&user=${encode(role)}&password=${encode(password)}`,
    ],
    [
      'keywords',
      () =>
        `host=127.0.0.1 port=${server.port} dbname=${quoted(database)} user=${quoted(role)} password=${quoted(password)}`,
    ],
  ])('%s leads psql to the same database and user', async (_, text) => {
    const expected = `${database}|${role}`;
    const program = join(localPrograms()?.binDir ?? '', 'psql');
    const direct = await execute(program, ['-XAtw', '-d', text(), '-c', WHO], {
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
    });
    expect(direct.trimEnd()).toBe(expected);
    await expect(psql(await resolve(text()), WHO)).resolves.toBe(expected);
  });

  test('a service and a password file', async () => {
    const field = (text: string) => text.replace(/[\\:]/g, '\\$&');
    const env = {
      PGSERVICE: 'odd',
      PGSERVICEFILE: fileOf(
        'odd.conf',
        `[odd]\nhost=127.0.0.1\nport=${server.port}\ndbname=${database}\nuser=${role}\n`,
      ),
      PGPASSFILE: fileOf(
        'odd.pgpass',
        `127.0.0.1:${server.port}:${field(database)}:${field(role)}:${field(password)}\n`,
      ),
    };
    await expect(psql(env, WHO)).resolves.toBe(`${database}|${role}`);
    const resolved = await resolve('', env);
    await expect(psql({ ...resolved, PGPASSFILE: '/dev/null' }, WHO)).resolves.toBe(`${database}|${role}`);
  });

  // Nothing listens there: psql's complaint names each host, address and port that it tried.
  test.each([
    'postgresql://127.0.0.1:1,127.0.0.2:2/x',
    'postgresql://127.0.0.1,127.0.0.2:2/x?port=3,4',
    'postgresql://[::1]:3,127.0.0.1:4/x',
    'postgresql://%2Fnonexistent:5/x',
    'host=localhost hostaddr=127.0.0.1 port=6 dbname=x',
    'postgresql:///x?host=/nonexistent,127.0.0.1&port=7,8',
  ])('%s is tried at the same places', async (text) => {
    const program = join(localPrograms()?.binDir ?? '', 'psql');
    const complaint = async (args: string[], env: Record<string, string>) => {
      const run = execute(program, ['-Xw', ...args, '-c', 'SELECT 1'], {
        env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
      });
      const message = await run.then(
        () => 'no error',
        (error: Error) => error.message,
      );
      return message.replace(/.* ended with 2: /, '');
    };
    const direct = await complaint(['-d', text], {});
    expect(direct).toMatch(/psql: error: connection to server (at|on)/);
    expect(await complaint([], await resolve(text))).toBe(direct);
  });
});
