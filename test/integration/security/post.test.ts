import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, runAction, runPost, startAction } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';

/*
 * The `post:` step can only clean up. Each command is killed at several moments, most of them before it has saved any
 * state; then post runs with what was saved. A post that runs the command would create a backup, delete one, or replace
 * a live database after the job was cancelled.
 */
const SET = 'post_step';
const KILL = 'SIGKILL';
const MOMENTS = [0, 20, 50, 100, 300, 1_000, 3_000];
const SIGNALS = [
  ...MOMENTS.map((after) => ({ name: KILL, after })),
  ...[0, 50, 150].flatMap((after) => [
    { name: 'SIGTERM', after },
    { name: 'SIGINT', after },
  ]),
] as { name: NodeJS.Signals; after: number }[];

let server: PostgresServer;
/** Three backups of the set; the oldest is held. */
let sample: StoreFolder;
let oldest: string;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: 200 } });
  await server.createDatabase(SET);
  await server.psql(SET, 'create table orders as select n from generate_series(1, 100) n');
  sample = newStoreFolder();
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) {
    const backup = await runBackup(backupInputs(server, SET, sample));
    expect(errorsOf(backup)).toEqual([]);
    ids.push(backup.outputs.id ?? '');
  }
  oldest = ids[0] ?? '';
  const hold = { command: 'hold', store: sample.url, name: SET, backup: oldest };
  expect(errorsOf(await runAction(hold))).toEqual([]);
});

function copyOfSample(): StoreFolder {
  const store = newStoreFolder();
  cpSync(sample.path, store.path, { recursive: true });
  return store;
}

/** What is in a store; unfinished objects have names that begin with a dot, and post may remove them. */
function contentsOf({ path }: StoreFolder): string[] {
  return filesBelow(path)
    .filter((file) => !/(^|\/)\.[^/]*$/.test(file))
    .map((file) => `${file} ${statSync(join(path, file)).size} ${statSync(join(path, file)).mtimeMs}`);
}

/** One run that is ended early, and the post step after it. */
interface Attempt {
  inputs: ActionInputs;
  store: StoreFolder;
  env?: Record<string, string>;
  /** Called between the end of main and the post step. */
  between?(): void;
}

async function expectPostOnlyCleansUp(attempt: Attempt, name: NodeJS.Signals, after: number): Promise<ActionResult> {
  const { inputs, env = {} } = attempt;
  const running = startAction({ name: SET, store: attempt.store.url, ...inputs }, { env });
  if (after > 0) await Promise.race([sleep(after), running.finished]);
  running.kill(name);
  const main = await running.finished;
  attempt.between?.();
  await expectNothingDone(attempt, main);
  return main;
}

/** Post leaves the store's objects alone, publishes no output and no summary, is green, and is quick. */
async function expectNothingDone({ store }: Attempt, main: ActionResult): Promise<ActionResult> {
  const before = contentsOf(store);
  const post = await runPost(main, { cancelAfter: 60_000 });
  expect(contentsOf(store)).toEqual(before);
  expect(post).toMatchObject({ exitCode: 0, signal: null, outputs: {}, summary: '' });
  expect(errorsOf(post)).toEqual([]);
  return post;
}

const attempts: Record<string, () => Attempt> = {
  backup: () => {
    const store = copyOfSample();
    return { store, inputs: { command: 'backup', ...backupInputs(server, SET, store) } };
  },
  'restore-test': () => {
    const scratch = mkdtempSync(join(runFolder(), 's-'));
    chmodSync(scratch, 0o755); // As root, the throwaway server is another user.
    const inputs = { command: 'restore-test', passphrase: PASSPHRASE, 'scratch-dir': scratch };
    return { store: copyOfSample(), inputs };
  },
  list: () => ({ store: sample, inputs: { command: 'list' } }),
  check: () => ({ store: sample, inputs: { command: 'check', 'max-age': '26h' } }),
  prune: () => ({ store: copyOfSample(), inputs: { command: 'prune', 'keep-last': '1', force: 'true' } }),
  hold: () => ({ store: copyOfSample(), inputs: { command: 'hold', backup: 'latest' } }),
  release: () => ({ store: copyOfSample(), inputs: { command: 'release', backup: oldest } }),
};

describe.each(Object.entries(attempts))('%s', (_, attempt) => {
  test('ended at any moment: post does nothing of it', async () => {
    await Promise.all(SIGNALS.map(({ name, after }) => expectPostOnlyCleansUp(attempt(), name, after)));
  });

  test('post with an empty state does nothing', async () => {
    const killed = await expectPostOnlyCleansUp(attempt(), KILL, 0);
    const post = await expectNothingDone(attempt(), { ...killed, state: {} });
    expect(post).toMatchObject({ stdout: '', stderr: '', annotations: [] });
  });
});

describe('restore with replace', () => {
  /** A live database that lost rows since its backup, and a restore that swaps only where the gate is open. */
  async function live(name: string): Promise<Attempt> {
    await server.createDatabase(name, `template ${SET}`);
    await server.psql(name, 'delete from orders where n > 10');
    const gate = join(mkdtempSync(join(runFolder(), 'gate-')), 'open');
    return {
      store: sample,
      env: { GATE: gate },
      between: () => writeFileSync(gate, ''),
      inputs: {
        command: 'restore',
        replace: 'true',
        passphrase: PASSPHRASE,
        'database-url': server.url(name),
        confirm: name,
        before: `sh -c 'test -e "$GATE" || sleep 60'`,
      },
    };
  }

  const rows = (name: string) => server.psql(name, 'select count(*) from orders');

  test('ended at any moment: post does not replace the live database', async () => {
    const names = SIGNALS.map(({ name, after }) => `live_${name.toLowerCase()}_${after}`);
    const lives: Attempt[] = [];
    for (const name of names) lives.push(await live(name)); // One at a time: they have one template.
    await Promise.all(SIGNALS.map(({ name, after }, at) => expectPostOnlyCleansUp(lives[at] as Attempt, name, after)));
    expect(await Promise.all(names.map(rows))).toEqual(names.map(() => '10'));
  });

  test('post with an empty state does not replace it', async () => {
    const attempt = await live('live_empty');
    const killed = await expectPostOnlyCleansUp(attempt, KILL, 0);
    await expectNothingDone(attempt, { ...killed, state: {} });
    expect(await rows('live_empty')).toBe('10');
    expect(existsSync(attempt.env?.GATE ?? '')).toBe(true);
  });
});

describe('the saved state', () => {
  let killed: ActionResult;

  beforeAll(async () => {
    killed = await expectPostOnlyCleansUp({ store: sample, inputs: { command: 'list' } }, KILL, 0);
  });

  const runPostWith = (state: string) =>
    expectNothingDone({ store: sample, inputs: {} }, { ...killed, state: { leftovers: state, main: 'started' } });

  test.each([
    'not JSON',
    '{"kind":"folder"}',
    'null',
    '[null, 7, "backup", []]',
    '[{"kind":"backup"}, {"kind":"__proto__"}, {"kind":["folder"]}, {}]',
    '[{"kind":"process"}, {"kind":"process","pid":"1","started":"0"}, {"kind":"file"}, {"kind":"part","url":1}]',
  ])('damaged (%s): post warns', async (state) => {
    const { annotations } = await runPostWith(state);
    expect(annotations.length).toBeGreaterThan(0);
    for (const { kind, message } of annotations) {
      expect(kind).toBe('warning');
      expect(message).toContain('Cannot clean up completely: part of the saved state was ignored');
    }
  });

  test('forged by code that the run has started: post removes and runs nothing of it', async () => {
    const folder = mkdtempSync(join(runFolder(), 'victim-'));
    mkdirSync(join(folder, 'lifeboat-x'));
    const program = join(folder, 'docker');
    writeFileSync(program, `#!/bin/sh\ntouch ${join(folder, 'ran')}\n`, { mode: 0o755 });
    const manifest = join(sample.path, filesBelow(sample.path).find((file) => file.endsWith('manifest.json')) ?? '');
    const bystander = spawn('sleep', ['60']);
    const forged = [
      { kind: 'folder', path: folder },
      { kind: 'folder', path: `${folder}/lifeboat-x/..` },
      { kind: 'folder', path: 'lifeboat-x' },
      { kind: 'file', path: manifest },
      { kind: 'process', pid: 1, started: '0' },
      { kind: 'process', pid: bystander.pid, started: '1', group: true },
      { kind: 'container', engine: program, name: 'lifeboat-x' },
      { kind: 'container', engine: 'docker', name: 'database' },
      { kind: 'container-process', engine: program, container: 'database', mark: 'x' },
      { kind: 'part', url: sample.url, key: '' },
    ];
    await runPostWith(JSON.stringify(forged));
    expect(readdirSync(folder).sort()).toEqual(['docker', 'lifeboat-x']);
    expect(existsSync(manifest)).toBe(true);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
  });

  test('what can be read of it is cleaned up', async () => {
    const folder = mkdtempSync(join(runFolder(), 'lifeboat-'));
    await runPostWith(JSON.stringify([null, { kind: 'folder', path: folder }]));
    expect(existsSync(folder)).toBe(false);
  });

  test.each(['/dev/full', '/no/such/file', '/'])(
    'cannot be saved (%s): the run goes on, with one warning',
    async (file) => {
      const store = copyOfSample();
      const env = { GITHUB_STATE: file, RUNNER_ENVIRONMENT: 'self-hosted' };
      const backup = await runBackup(backupInputs(server, SET, store), { env });
      expect(backup.exitCode).toBe(0);
      expect(backup.annotations).toEqual([
        expect.objectContaining({
          kind: 'warning',
          message: expect.stringContaining('Cannot save state for the post step'),
        }),
      ]);
      const post = await expectNothingDone({ store, inputs: {} }, backup);
      expect(post.annotations).toEqual([]);
    },
  );
});
