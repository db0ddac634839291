import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inputsOf } from '../support/action/example.ts';
import { people } from '../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { scanProcesses } from '../support/action/scan-processes.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { whyNoContainers } from '../support/servers/container-engine.ts';
import {
  containerNames,
  importClientImage,
  type PostgresContainer,
  startPostgresContainer,
  tagImage,
  untagImage,
} from '../support/servers/containers.ts';
import { freePort } from '../support/servers/free-port.ts';
import { notRun } from '../support/servers/not-run.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';
import { runFolder } from '../support/servers/run.ts';

const why = whyNoContainers();
if (why !== null) notRun('PostgreSQL in a container', why);

const DATABASE = 'shop';
const PLACE = localPrograms()?.binDir ?? '';

(why === null ? describe : describe.skip)('a server that only its own container reaches', () => {
  let postgres: PostgresContainer;
  let store: StoreFolder;
  let first: ActionResult;

  beforeAll(async () => {
    postgres = await startPostgresContainer(PLACE);
    await postgres.psql('postgres', `create database ${DATABASE}`);
    await postgres.psql(DATABASE, 'create table orders as select n, md5(n::text) from generate_series(1, 5000) n');
    store = newStoreFolder();
    first = await run({ 'database-url': postgres.url(DATABASE) });
  });

  afterAll(() => postgres.stop());

  function run(inputs: ActionInputs, toolset = `container:${postgres.name}`): Promise<ActionResult> {
    const common = { store: store.url, passphrase: PASSPHRASE, toolset };
    return runBackup({ ...common, ...inputs }, { env: postgres.env });
  }

  test('is backed up with the programs in there', async () => {
    expect(errorsOf(first)).toEqual([]);
    expect(first.outputs).toMatchObject({ tables: '1', rows: '5000' });
  });

  test('is listed and checked', async () => {
    const place = { store: store.url };
    const list = await runBackup({ command: 'list', ...place });
    expect(JSON.parse(list.outputs.backups ?? '')).toEqual([expect.objectContaining({ id: first.outputs.id })]);
    const check = await runBackup({ command: 'check', name: DATABASE, ...place, 'max-age': '1h' });
    expect(errorsOf(check)).toEqual([]);
  });

  test('is proven, in a scratch server in there', async () => {
    const inputs = { toolset: `container:${postgres.name}`, 'scratch-url': postgres.url('postgres') };
    expectProven(await runRestoreTest(store, inputs, { env: postgres.env }));
    expect(await postgres.psql('postgres', 'select count(*) from pg_database where not datistemplate')).toBe('2');
  });

  test('is restored in its place', async () => {
    await postgres.psql(DATABASE, 'delete from orders where n > 10');
    const place = { command: 'restore', 'database-url': postgres.url(DATABASE), confirm: DATABASE, replace: 'true' };
    const result = await run(place);
    expect(errorsOf(result)).toEqual([]);
    expect(await postgres.psql(DATABASE, 'select count(*) from orders')).toBe('5000');
  });

  test('and what no rule keeps is pruned', async () => {
    const second = await run({ 'database-url': postgres.url(DATABASE), 'allow-new-source': 'true' });
    expect(errorsOf(second)).toEqual([]);
    expect(errorsOf(await run({ 'database-url': postgres.url(DATABASE) }))).toEqual([]);
    const pruned = await runBackup({ command: 'prune', store: store.url, name: DATABASE, 'keep-last': '1' });
    expect(errorsOf(pruned)).toEqual([]);
    // The first is proven, and the third the newest.
    expect(JSON.parse(pruned.outputs.deleted ?? '')).toEqual([expect.objectContaining({ id: second.outputs.id })]);
  });

  test('no secret is on a command line, inside or outside', async () => {
    const scan = scanProcesses([postgres.password, PASSPHRASE]);
    const result = await run({ 'database-url': postgres.url(DATABASE), 'allow-new-source': 'true' });
    const { leaks, programs } = await scan.stop();
    expect(errorsOf(result)).toEqual([]);
    expect(leaks).toEqual([]);
    // Both ends were looked at.
    expect(programs.some((program) => program.endsWith('podman'))).toBe(true);
    expect(programs.some((program) => program.endsWith('pg_dump'))).toBe(true);
    expect(`${result.log}${result.summary}`).not.toContain(postgres.password);
  });

  test('a file that only this machine has is refused in time', async () => {
    const result = await run({
      command: 'restore',
      'database-url': postgres.url(DATABASE),
      confirm: DATABASE,
      jobs: '2',
    });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^jobs: PostgreSQL's programs read files for it.*toolset: local/),
      }),
    ]);
  });

  test('by examples/docker-compose.yml, and proven by it', async () => {
    const { alice, signer } = await people();
    const folder = newStoreFolder();
    const backup = inputsOf('docker-compose', 'backup');
    const proof = inputsOf('docker-compose', 'restore-test');
    for (const { toolset } of [backup, proof]) expect(toolset).toMatch(/^container:/);
    const here = { toolset: `container:${postgres.name}`, store: folder.url };
    const signing = { 'signing-key': signer.secretKey, 'signing-key-passphrase': '' };
    const decrypting = { 'private-key': alice.secretKey, 'private-key-passphrase': '' };
    const keys = { ...decrypting, ...signing, 'verification-key': signer.publicKey };
    const env = { env: postgres.env };
    const url = { 'database-url': postgres.url(DATABASE), 'public-key': alice.publicKey, ...signing };
    expect(errorsOf(await runBackup({ ...backup, ...here, ...url }, env))).toEqual([]);
    const scratch = { 'scratch-url': postgres.url('postgres') };
    expectProven(await runRestoreTest(folder, { ...proof, ...here, ...keys, ...scratch }, env));
  });

  describe('from outside, with the programs of an image', () => {
    let server: PostgresServer;
    let image: string;

    beforeAll(async () => {
      [server, image] = [await sharedPostgres(), await importClientImage(PLACE)];
      await server.createDatabase('imaged');
      await server.psql('imaged', 'create table t as select n from generate_series(1, 700) n');
    });

    test('backed up, listed, checked, proven, restored and pruned, and no container stays', async () => {
      const folder = newStoreFolder();
      const place = { store: folder.url, 'database-url': server.url('imaged') };
      const backup = await run(place, `image:${image}`);
      expect(errorsOf(backup)).toEqual([]);
      expect(backup.outputs).toMatchObject({ rows: '700' });
      const scratch = { toolset: `image:${image}`, 'scratch-url': server.url('postgres') };
      expectProven(await runRestoreTest(folder, scratch, { env: postgres.env }));
      const list = await runBackup({ command: 'list', store: folder.url });
      expect(JSON.parse(list.outputs.backups ?? '')).toEqual([expect.objectContaining({ id: backup.outputs.id })]);
      const check = { command: 'check', store: folder.url, 'max-age': '1h', 'max-restore-test-age': '1h' };
      expect(errorsOf(await runBackup(check))).toEqual([]);
      const restored = await run({ command: 'restore', ...place, confirm: 'imaged' }, `image:${image}`);
      expect(errorsOf(restored)).toEqual([]);
      expect(restored.outputs.verdict).toBe('proven');
      const others = [await run(place, `image:${image}`), await run(place, `image:${image}`)];
      expect(others.flatMap(errorsOf)).toEqual([]);
      const pruned = await runBackup({ command: 'prune', store: folder.url, name: 'imaged', 'keep-last': '1' });
      expect(JSON.parse(pruned.outputs.deleted ?? '')).toEqual([
        expect.objectContaining({ id: others[0]?.outputs.id }),
      ]);
      expect(await containerNames()).not.toMatch(/^lifeboat-[0-9a-f]{16}$/m);
    });

    test('an image without PostgreSQL', async () => {
      const result = await run({ 'database-url': server.url('imaged') }, 'image:localhost/nothing:1');
      expect(errorsOf(result)).toEqual([
        expect.objectContaining({
          message: expect.stringMatching(
            /^toolset: image "localhost\/nothing:1" has no pg_dump that works: .*image:postgres:17/,
          ),
        }),
      ]);
    });
  });

  test('a container that does not run: what does, and what to do', async () => {
    const result = await run({ 'database-url': postgres.url(DATABASE) }, 'container:gone');
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          new RegExp(
            `^toolset: no running container "gone" was found \\(.*Running here: .*${postgres.name}.*correct the name`,
          ),
        ),
      }),
    ]);
  });
});

(why === null ? describe : describe.skip)("toolset: auto on a machine without PostgreSQL's programs", () => {
  let postgres: PostgresContainer;
  let port: number;
  let node: string;

  beforeAll(async () => {
    node = nodeWithoutPostgres();
    port = await freePort();
    postgres = await startPostgresContainer(PLACE, port);
    await postgres.psql('postgres', `create database ${DATABASE}`);
    await postgres.psql(DATABASE, 'create table orders as select n from generate_series(1, 300) n');
  });

  afterAll(() => postgres.stop());

  const url = (database: string, at = port) => `postgresql://postgres:${postgres.password}@localhost:${at}/${database}`;
  const common = { passphrase: PASSPHRASE };

  test('takes those of the container to whose published port the URL leads: backed up, proven, restored', async () => {
    const store = newStoreFolder();
    const options = { env: postgres.env, node };
    const place = { ...common, store: store.url, 'database-url': url(DATABASE) };
    const backup = await runBackup(place, options);
    expect(errorsOf(backup)).toEqual([]);
    expect(backup.outputs).toMatchObject({ rows: '300' });
    const notice = `PostgreSQL's programs are those of container ${postgres.name} (`;
    expect(backup.log).toContain(notice);
    const plan = await runBackup({ ...place, 'dry-run': 'true' }, options);
    expect(plan.log).toContain(`from container ${postgres.name}`);
    const test = await runRestoreTest(store, { 'scratch-url': url('postgres') }, options);
    expectProven(test);
    await postgres.psql(DATABASE, 'delete from orders');
    const restore = { command: 'restore', ...place, confirm: DATABASE, replace: 'true' };
    const restored = await runBackup(restore, options);
    expect(errorsOf(restored)).toEqual([]);
    for (const { log } of [test, restored]) expect(log).toContain(notice);
    expect(await postgres.psql(DATABASE, 'select count(*) from orders')).toBe('300');
    // pg_restore reads a file for these, which the container does not have.
    const part = { ...restore, replace: 'false', tables: 'public.orders' };
    expect(errorsOf(await runBackup(part, options))).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^No pg_dump was found/) }),
    ]);
  });

  test('takes no container to which the URL does not lead, though it runs here: the error names it', async () => {
    const elsewhere = { ...common, store: newStoreFolder().url, 'database-url': url(DATABASE, await freePort()) };
    const result = await runBackup(elsewhere, { env: postgres.env, node });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          new RegExp(`^No pg_dump was found.*apt-get install.*Containers run here: .*${postgres.name}.*container:NAME`),
        ),
      }),
    ]);
  });

  test('takes an image of PostgreSQL that was fetched before', async () => {
    const server = await sharedPostgres();
    await server.createDatabase('near');
    await server.psql('near', 'create table t as select 1 as n');
    const image = 'docker.io/library/postgres:15';
    await tagImage(await importClientImage(PLACE), image);
    try {
      const place = { ...common, store: newStoreFolder().url, 'database-url': server.url('near') };
      const plan = await runBackup({ ...place, 'dry-run': 'true' }, { env: postgres.env, node });
      expect(errorsOf(plan)).toEqual([]);
      expect(plan.log).toContain(`from image ${image}`);
      expect(errorsOf(await runBackup(place, { env: postgres.env, node }))).toEqual([]);
    } finally {
      await untagImage(image);
    }
  });
});

/** A node for which the folder that has this machine's PostgreSQL is empty. By bash: sh drops INPUT_DATABASE-URL. */
function nodeWithoutPostgres(): string {
  const file = join(mkdtempSync(join(runFolder(), 'node-')), 'node');
  const hide = 'mount -t tmpfs none /usr/lib/postgresql && exec "$0" "$@"';
  const real = process.env.LIFEBOAT_TEST_NODE ?? process.execPath;
  writeFileSync(file, `#!/bin/bash\nexec unshare --mount bash -c '${hide}' '${real}' "$@"\n`, { mode: 0o755 });
  return file;
}
