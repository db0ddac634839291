import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { inputsOf } from '../../src/cli/arguments.ts';
import { COMMANDS } from '../../src/commands/index.ts';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { type Person, people } from '../support/action/gnupg.ts';
import { PASSPHRASE } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

/* The command line, with nothing of GitHub around it: dist/ alone, in another place, and PATH and HOME for environment. */
const DATABASE = 'by_hand';

let server: PostgresServer;
let store: StoreFolder;
let alice: Person;
let cli: string;
let home: string;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(words: string[], env: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [cli, ...words], {
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...env },
    cwd: home,
  });
  const code = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(([code, stdout, stderr]) => ({
    code,
    stdout,
    stderr,
  }));
  return { child, ended };
}

function run(words: string[], env: Record<string, string> = {}): Promise<Ended> {
  return start(words, env).ended;
}

/** The connection without its password, which is a secret. */
const url = (database = DATABASE) => `postgresql://${server.user}@${server.host}:${server.port}/${database}`;
const password = () => ({ PGPASSWORD: server.password });

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, 'create table orders as select n from generate_series(1, 100) n');
  store = newStoreFolder();
  ({ alice } = await people());
  home = mkdtempSync(join(runFolder(), 'home-'));
  chmodSync(home, 0o755); // As root, the throwaway server runs as another user.
  cpSync(join(REPOSITORY, 'dist'), join(home, 'lifeboat'), { recursive: true });
  cli = join(home, 'lifeboat', 'cli.js');
  for (const [name, key] of [
    ['public', alice.publicKey],
    ['private', alice.secretKey],
  ]) {
    writeFileSync(join(home, `${name}.asc`), key ?? '', { mode: 0o600 });
  }
});

test('the day GitHub is down: backed up, listed, checked, proven and restored with dist/, the store and the key', async () => {
  const backup = await run(
    ['backup', '--database-url', url(), `--store=${store.url}`, '--public-key-file', 'public.asc'],
    password(),
  );
  expect(backup).toMatchObject({ code: 0, stderr: '' });
  expect(backup.stdout).toMatch(/^Backup \S+ is complete: 100 rows in 1 table,/m);

  const list = await run(['list', '--store', store.url, '--json']);
  expect(list.code).toBe(0);
  const [set] = JSON.parse(list.stdout).stores[0].sets;
  expect(set).toMatchObject({ name: DATABASE, backups: [expect.objectContaining({ complete: true })] });

  expect(await run(['check', '--store', store.url, '--max-age', '1h'])).toMatchObject({ code: 0 });

  const key = ['--store', store.url, '--private-key-file', 'private.asc'];
  const proof = await run(['restore-test', ...key]);
  expect(proof).toMatchObject({ code: 0, stderr: '' });
  expect(proof.stdout).toMatch(/^Backup \S+ is proven: 100 rows/m);

  await server.psql(DATABASE, 'delete from orders where n > 10');
  const restored = await run(
    ['restore', ...key, '--database-url', url(), '--confirm', DATABASE, '--replace', '--backup=latest-proven'],
    password(),
  );
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  expect(await server.psql(DATABASE, 'select count(*) from orders')).toBe('100');
  expect([backup, list, proof, restored].map(({ stdout }) => stdout).join()).not.toMatch(/^::|^##\[/m);
  // Nothing but what was there stays in its own place for temporary files.
  expect(readdirSync(home).sort()).toEqual(['lifeboat', 'private.asc', 'public.asc']);
});

/** A command line on a terminal: `script` gives it one, and types. */
async function onTerminal(words: string[], typed: string, env: Record<string, string>): Promise<Ended> {
  const quoted = [process.execPath, cli, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, TERM: 'xterm', ...env },
    cwd: home,
  });
  let shown = '';
  child.stdout.on('data', (bytes: Buffer) => {
    const asked = /Type the name of the database/.test(shown);
    shown += bytes.toString();
    if (!asked && /Type the name of the database/.test(shown)) child.stdin.write(`${typed}\n`);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout: shown, stderr: '' };
}

describe('restore at a terminal', () => {
  const words = () => ['restore', `--database-url=${url()}`, `--store=${store.url}`, '--private-key-file=private.asc'];

  test('asks for the name of the database, and a wrong one touches nothing', async () => {
    const result = await onTerminal(words(), 'production', password());
    expect(result.stdout).toMatch(/restores backup latest into a new database, beside the live one/);
    expect(result.stdout).toMatch(/confirm: "production" is not the database that database-url names/);
    expect(result.code).toBe(2);
    const restored = `select count(*) from pg_database where datname like '${DATABASE}\\_restored%'`;
    expect(await server.psql('postgres', restored)).toBe('0');
  });

  test('the right one restores', async () => {
    const result = await onTerminal(words(), DATABASE, password());
    expect(result.stdout).toMatch(/is restored into database "by_hand_restored_/);
    expect(result.code).toBe(0);
  });
});

test('at a terminal a bar tells how far it has come, on one line; elsewhere there is none', async () => {
  await server.createDatabase('with_a_bar');
  const rows =
    'select n, (select string_agg(md5(n::text || i), null) from generate_series(1, 30) i) from generate_series(1, 60000) n';
  await server.psql('with_a_bar', `create table t as ${rows}`);
  const place = newStoreFolder();
  const words = [
    'backup',
    `--database-url=${url('with_a_bar')}`,
    `--store=${place.url}`,
    '--public-key-file=public.asc',
  ];
  const shown = await onTerminal(words, '', password());
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/^\[#*\.+\] +\d+ % {2}Backup: \S+ \S+ read, \S+ \S+\/s/m);
  // Written over, and gone at the end.
  expect(shown.stdout).toMatch(/\[KBackup \S+ is complete: .*in 1 table,/);
  const piped = await run(words, password());
  expect(piped).toMatchObject({ code: 0, stderr: '' });
  expect(piped.stdout).not.toContain('[#');
});

describe('what is written wrong', () => {
  test.each<[string, string[], RegExp]>([
    ['no such command', ['bakcup'], /"bakcup" is not a command\. Write backup, /],
    ['a flag that is misspelt', ['list', '--stroe', 'x'], /Unknown flag --stroe for list\. Did you mean --store\?/],
    ['a flag of another command', ['list', '--replace'], /Unknown flag --replace for list/],
    ['a flag without its text', ['list', '--store'], /--store: what comes after it is missing/],
    ['a word without a flag', ['list', 'hunter2hunter2'], /a word that belongs to no flag/],
    ['a file that is not there', ['list', '--store-file', 'gone'], /--store-file: .*ENOENT.*Name a file/],
    ['an input that makes no sense', ['list', '--store', '/srv'], /store: "\/srv" is a path, not a URL/],
  ])('%s: 2, and what to do', async (_, words, says) => {
    const { code, stderr, stdout } = await run(words);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
    expect(`${stdout}${stderr}`).not.toContain('hunter2');
  });

  test.each([
    ['passphrase', PASSPHRASE],
    ['database-url', 'postgresql://u:hunter2hunter2@127.0.0.1/shop'],
    ['database-url', 'host=127.0.0.1 password=hunter2hunter2 dbname=shop'],
    ['smtp-url', 'smtps://u:hunter2hunter2@127.0.0.1'],
    ['private-key', '-----BEGIN PGP PRIVATE KEY BLOCK-----'],
  ])('a secret as a flag (%s) is refused, and not shown', async (name, secret) => {
    const { code, stderr } = await run(['restore', `--${name}`, secret]);
    expect(stderr).toMatch(
      new RegExp(`--${name}: a secret on a command line.*LIFEBOAT_${name.toUpperCase().replace('-', '_')}`),
    );
    expect(stderr).not.toContain(secret);
    expect(stderr).not.toContain('hunter2');
    expect(code).toBe(2);
  });
});

test('variables give what no flag does, and a flag counts more', async () => {
  const env = { LIFEBOAT_STORE: 'file:///nonexistent/lifeboat', LIFEBOAT_NAME: DATABASE };
  expect((await run(['list'], env)).stderr).toContain('file:///nonexistent/lifeboat');
  expect(await run(['list', `--store=${store.url}`], env)).toMatchObject({ code: 0, stderr: '' });
});

test.each([...COMMANDS])('lifeboat $name --help describes every input', async (command) => {
  const { code, stdout } = await run([command.name, '--help']);
  expect(code).toBe(0);
  for (const name of inputsOf(command)) {
    const [, description = ''] =
      new RegExp(`^  --${name}(?:   \\(default: .*\\))?\\n      (\\S.*)$`, 'm').exec(stdout) ?? [];
    expect([name, description.length > 10]).toEqual([name, true]);
  }
});

test('what could not be verified: 3', async () => {
  // adminpack ended with PostgreSQL 16.
  const scratch = await startPostgres({ major: 17 });
  await server.createDatabase('packed');
  await server.psql('packed', 'create extension adminpack; create table t as select 1 as n');
  const words = ['backup', '--database-url', url('packed'), '--store', store.url, '--public-key-file', 'public.asc'];
  expect((await run(words, password())).code).toBe(0);
  const env = { LIFEBOAT_SCRATCH_URL: scratch.url('postgres') };
  const key = ['--name=packed', '--store', store.url, '--private-key-file', 'private.asc'];
  const { code, stderr } = await run(['restore-test', ...key], env);
  expect(stderr).toMatch(/^Lifeboat: could not verify: .*adminpack/m);
  expect(code).toBe(3);
});

test('what is not good: 1', async () => {
  const old = await run(['check', '--store', store.url, '--max-age', '1s']);
  expect(old.code).toBe(1);
  expect(old.stderr).toMatch(/^Lifeboat: check failed: /);
});

test('cancelled by Ctrl-C: 130, and nothing is kept', async () => {
  const locked = server.psql(DATABASE, 'begin; lock table orders in access exclusive mode; select pg_sleep(120)');
  locked.catch(() => {});
  const empty = newStoreFolder();
  const words = ['backup', '--database-url', url(), '--store', empty.url, '--public-key-file', 'public.asc'];
  const { child, ended } = start(words, password());
  const waits = `select count(*) from pg_locks where not granted`;
  while ((await server.psql('postgres', waits)) === '0') await sleep(50);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/Lifeboat: cancelled: The run was cancelled/);
  expect(code).toBe(130);
  await server.psql(
    'postgres',
    "select pg_terminate_backend(pid) from pg_stat_activity where query ~ 'pg_sleep.120' and pid <> pg_backend_pid()",
  );
  await expect(locked).rejects.toThrow('terminating connection');
  expect(existsSync(join(empty.path, DATABASE)) ? readdirSync(join(empty.path, DATABASE)) : []).toEqual([]);
});
