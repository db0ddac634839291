import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionResult, runPost, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import {
  type ContainerEngine,
  podman,
  rootlessPodman,
  startDocker,
  whyNoContainers,
} from '../support/servers/container-engine.ts';
import { containersOf, importServerImage, mountOf } from '../support/servers/containers.ts';
import { execute } from '../support/servers/execute.ts';
import { notRun } from '../support/servers/not-run.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';
import { runFolder } from '../support/servers/run.ts';

const why = whyNoContainers();
if (why !== null) notRun('scratch-image', why);

const ENGINES: [string, () => ContainerEngine | Promise<ContainerEngine>][] = [
  ['podman', podman],
  ['docker', startDocker],
  ['rootless podman', rootlessPodman],
];

(why === null ? describe : describe.skip).each(ENGINES)('restore-test with scratch-image, by %s', (name, start) => {
  let engine: ContainerEngine;
  let server: PostgresServer;
  let image: string;
  let store: StoreFolder;
  let inputs: Record<string, string>;
  /** The runner's folder for temporary files, of all these runs. */
  let temporary: string;
  let options: { env: Record<string, string>; node: string };

  beforeAll(async () => {
    engine = await start();
    temporary = mkdtempSync(join(runFolder(), 'temp-'));
    await execute('chown', [String(engine.uid), temporary]);
    options = { env: { ...engine.env, RUNNER_TEMP: temporary }, node: nodeBehind(engine.wrapper) };
    image = await importServerImage(localPrograms()?.binDir ?? '', 'e2e', engine);
    [server, store] = [await sharedPostgres(), newStoreFolder()];
    inputs = { 'scratch-image': image };
    const database = `imaged_by_${name.replace(' ', '_')}`;
    await server.createDatabase(database);
    await server.psql(database, 'create table t as select n, md5(n::text) from generate_series(1, 900) n');
    await server.psql(database, 'create index on t (n)');
    expect(errorsOf(await runBackup(backupInputs(server, database, store)))).toEqual([]);
    await execute('chown', ['-R', String(engine.uid), store.path]);
  });

  afterAll(() => engine?.stop());

  async function expectNothingLeft(): Promise<void> {
    expect(await containersOf(image, engine)).toEqual([]);
  }

  /** Kills a run as soon as its container runs. Gives the folder that was mounted in there. */
  async function killed(): Promise<{ run: ActionResult; socket: string }> {
    const running = startAction(
      { command: 'restore-test', store: store.url, passphrase: PASSPHRASE, ...inputs },
      options,
    );
    let names: string[] = [];
    while (names.length === 0) names = await containersOf(image, engine);
    const socket = await mountOf(names[0] ?? '', engine);
    running.kill('SIGKILL');
    return { run: await running.finished, socket };
  }

  test('is proven, with programs of this machine; the summary says how it was isolated', async () => {
    const result = await runRestoreTest(store, { ...inputs, jobs: '2' }, options);
    expectProven(result);
    expect(result.report.isolation).toBe('container');
    expect(result.summary).toMatch(/Isolation.*container/);
    await expectNothingLeft();
  });

  test('is proven on a machine without PostgreSQL', async () => {
    expectProven(await runRestoreTest(store, inputs, { ...options, node: nodeWithoutPostgres(engine.wrapper) }));
    await expectNothingLeft();
  });

  test('fails when an assertion does not hold, and leaves nothing', async () => {
    const assertions = { assertions: '- name: never\n  sql: select false\n  expect: true' };
    const first = expectFailed(await runRestoreTest(store, { ...inputs, ...assertions }, options));
    expect(first).toMatchObject({ kind: 'assertion', object: 'never' });
    await expectNothingLeft();
  });

  test('killed: post removes the container and its folder', async () => {
    const { run, socket } = await killed();
    expect(existsSync(socket)).toBe(true);
    const post = await runPost(run, options);
    expect(post.annotations).toEqual([]);
    await expectNothingLeft();
    expect(existsSync(dirname(socket))).toBe(false);
  });

  test('killed, and no post came: the next run removes both', async () => {
    const { socket } = await killed();
    // As a runner does before each job. Root's folder is elsewhere.
    for (const entry of readdirSync(temporary)) rmSync(join(temporary, entry), { recursive: true });
    expectProven(await runRestoreTest(store, inputs, options));
    await expectNothingLeft();
    expect(existsSync(dirname(socket))).toBe(false);
  });
});

/** A node behind the wrapper. `before`: what root does in a mount namespace of its own. By bash: sh drops INPUT_DATABASE-URL. */
function nodeBehind(wrapper: string[], before = ':'): string {
  const file = join(mkdtempSync(join(runFolder(), 'node-')), 'node');
  const real = process.env.LIFEBOAT_TEST_NODE ?? process.execPath;
  const words = [...wrapper, real].map((word) => `'${word}'`).join(' ');
  writeFileSync(file, `#!/bin/bash\nexec unshare --mount bash -c '${before} && exec "$0" "$@"' ${words} "$@"\n`, {
    mode: 0o755,
  });
  return file;
}

/** The folder that has this machine's PostgreSQL is empty for it. */
function nodeWithoutPostgres(wrapper: string[]): string {
  return nodeBehind(wrapper, 'mount -t tmpfs none /usr/lib/postgresql');
}
