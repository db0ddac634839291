import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { createSampleDatabase } from '../support/action/sample-database.ts';
import { filePlace, type Place, rcloneFolder, sshPlace } from '../support/faults/places.ts';
import { createBulkDatabase, startBackup, untilStored } from '../support/faults/rig.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { childrenOf, signal } from '../support/servers/processes.ts';
import { runFolder } from '../support/servers/run.ts';
import { canChroot, ensureSshd, startSshd } from '../support/servers/sshd.ts';

const DATABASE = 'far_away';
const MEGABYTE = 1024 * 1024;

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await createSampleDatabase(server, DATABASE);
});

const KINDS: [kind: string, place: () => Promise<Place>][] = [
  ['ssh: with a shell', async () => sshPlace(await ensureSshd('shell'))],
  ...(canChroot
    ? [
        ['ssh: with SFTP in a chroot', async () => sshPlace(await ensureSshd('chroot'))] as [
          string,
          () => Promise<Place>,
        ],
      ]
    : []),
  ['ssh: with rsync and nothing else', async () => sshPlace(await ensureSshd('rrsync'))],
  ['rclone:', async () => rcloneFolder()],
];

describe.each(KINDS)('%s', (_, newPlace) => {
  test('backup, list, check, restore test, restore, hold, prune', async () => {
    const place = await newPlace();
    const run = async (command: string, inputs: ActionInputs = {}): Promise<ActionResult> => {
      const result = await runBackup({ command, store: place.url, ...place.inputs, ...inputs }, { env: place.env });
      expect({ command, exitCode: result.exitCode, errors: errorsOf(result) }).toEqual({
        command,
        exitCode: 0,
        errors: [],
      });
      return result;
    };
    const database = { 'database-url': server.url(DATABASE), passphrase: PASSPHRASE };
    const [first, second] = [await run('backup', database), await run('backup', database)];
    const ids = [second, first].map(({ outputs }) => outputs.id);
    const tested = await run('restore-test', { passphrase: PASSPHRASE, 'scratch-url': server.url('postgres') });
    expect(tested.outputs).toMatchObject({ verdict: 'proven', id: ids[0] });
    const listed = JSON.parse((await run('list')).outputs.backups ?? '') as { id: string; verdict: string | null }[];
    expect(listed.map(({ id }) => id)).toEqual(ids);
    await run('check', { passphrase: PASSPHRASE, 'max-age': '1h' });

    const restored = await run('restore', { ...database, confirm: DATABASE, backup: ids[1] ?? '' });
    expect(restored.log).toContain(`${DATABASE}_restored_`);
    await server.dropDatabase(`${DATABASE}_restored_${ids[1]}`);

    await run('hold', { backup: ids[1] ?? '' });
    expect((await run('prune', { 'keep-last': '1' })).outputs.deleted).toBe('[]');
    await run('release', { backup: ids[1] ?? '' });
    expect(JSON.parse((await run('prune', { 'keep-last': '1' })).outputs.deleted ?? '')).toHaveLength(1);
    const left = await place.contents();
    expect(left.filter((line) => line.includes(`/${ids[1]}`))).toEqual([]);
    expect(left).toContainEqual(expect.stringContaining(`${ids[0]}/manifest.json`));
    expect(left).not.toContainEqual(expect.stringMatching(/\.part |probe/));
  });
});

test('two stores, file: and ssh:, of which one is lost midway: the other has the backup, and the run is red', async () => {
  await createBulkDatabase(server, 'far_bulk', 40);
  const sshd = await startSshd('shell', mkdtempSync(join(runFolder(), 'sshd-')));
  const [near, far] = [filePlace(), sshPlace(sshd)];
  const rig = { server, database: 'far_bulk', place: { ...far, url: `${far.url}\n${near.url}` } };
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, []);
  for (const pid of [sshd.pid, ...childrenOf(sshd.pid)]) signal(pid, 'SIGKILL');
  const result = await run.finished;
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    {
      kind: 'error',
      title: 'Lifeboat: a store failed',
      message: expect.stringMatching(
        new RegExp(
          `^Backup ${result.outputs.id} is complete in the other stores\\. Missing in: ${far.url}: .*connection`,
        ),
      ),
    },
  ]);
  expect(result.outputs.location).toBe(`${near.url}/far_bulk/${result.outputs.id}`);
  expect(result.summary).toMatch(/❌.*missing in 1 of 2 stores/);
  expect(await near.contents()).toContainEqual(expect.stringContaining(`${result.outputs.id}/manifest.json`));
  expect(await far.contents()).not.toContainEqual(expect.stringContaining('manifest'));
});
