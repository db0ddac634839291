import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inventory } from '../../src/formats/inventory/inventory.ts';
import type { SnapshotStep } from '../../src/postgres/snapshot/snapshot.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { backUpInProcess } from '../support/action/in-process.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, pathOf, readBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres, startStandby } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';
import { runFolder } from '../support/servers/run.ts';

let primary: PostgresServer;
let standby: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  primary = await startPostgres();
  await primary.createDatabase('shop');
  await primary.psql(
    'shop',
    `create table busy as select n from generate_series(1, 20000) n;
    create unlogged table fleeting as select n from generate_series(1, 10) n`,
  );
  // Recovery waits for nobody.
  standby = await startStandby(primary, { max_standby_streaming_delay: 0, wal_receiver_status_interval: '1s' });
});

afterAll(async () => {
  await standby.stop('immediate');
  await primary.stop('immediate');
});

beforeEach(() => {
  store = newStoreFolder();
});

test('a standby is backed up; what it does not have is said; it is the same source as its primary', async () => {
  const result = await runBackup(backupInputs(standby, 'shop', store));
  expect(errorsOf(result)).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '20000' } });
  expect(result.summary.replace(/&#95;/g, '_')).toMatch(/public\.fleeting.*standby/);
  const backup = readBackup(store, 'shop', result.outputs.id ?? '');
  const reader = { home: newGnupgHome(), passphrase: PASSPHRASE };
  const inventory = JSON.parse(await readByHand(pathOf(backup, 'inventory'), reader)) as Inventory;
  expect(inventory.server.standby).toBe(true);

  const ofPrimary = await runBackup(backupInputs(primary, 'shop', store));
  expect(ofPrimary).toMatchObject({ exitCode: 0, outputs: { rows: '20010' } });
  expect(readBackup(store, 'shop', ofPrimary.outputs.id ?? '').manifest).toMatchObject({
    source: backup.manifest.source,
    previous: { id: backup.manifest.id },
  });
});

describe('whose primary removes rows that the snapshot still sees', () => {
  /** Resolves when the standby has replayed it. */
  async function removeDeadRows(): Promise<void> {
    await primary.psql('shop', 'update busy set n = n where n % 100 = 0;\nvacuum busy;');
    const position = await primary.psql('shop', 'select pg_current_wal_lsn()');
    const behind = `select pg_last_wal_replay_lsn() < '${position}'`;
    while ((await standby.psql('shop', behind)) === 't') await sleep(20);
  }

  async function setFeedback(value: 'on' | 'off'): Promise<void> {
    await standby.psql('shop', `alter system set hot_standby_feedback = ${value}`);
    await standby.psql('shop', 'select pg_reload_conf()');
    const isHeard = 'select count(*) from pg_stat_replication where backend_xmin is not null';
    while (value === 'on' && (await primary.psql('postgres', isHeard)) === '0') await sleep(50);
  }

  const backUp = (step: SnapshotStep) => {
    let removed = false;
    return backUpInProcess(backupInputs(standby, 'shop', store), {
      at: async (at) => {
        if (at !== step || removed) return;
        removed = true;
        await removeDeadRows();
      },
    });
  };

  describe.each<SnapshotStep>(['export-dump', 'during-copy'])('at %s', (step) => {
    test('the conflict is an error of its own, with the mend', async () => {
      await setFeedback('off');
      await expect(backUp(step)).rejects.toThrow(/standby.*hot_standby_feedback/s);
      expect(filesBelow(store.path)).toEqual([]);
    });

    test('with hot_standby_feedback there is no conflict', async () => {
      await setFeedback('on');
      expect(await backUp(step)).toMatchObject({ rows: '20000' });
    });
  });

  describe('in a run of the action', () => {
    let cleaning: AbortController;
    let cleaned: Promise<void>;

    beforeAll(async () => {
      await setFeedback('off');
      cleaning = new AbortController();
      cleaned = (async () => {
        while (!cleaning.signal.aborted) await removeDeadRows();
      })();
    });

    afterAll(async () => {
      cleaning.abort();
      await cleaned;
    });

    function expectConflict(result: ActionResult): void {
      expect(result).toMatchObject({ exitCode: 1, outputs: {} });
      expect(errorsOf(result)).toEqual([
        expect.objectContaining({ message: expect.stringMatching(/standby.*hot_standby_feedback/s) }),
      ]);
      expect(filesBelow(store.path)).toEqual([]);
    }

    test('the conflict at any moment', async () => {
      let conflicts = 0;
      for (let round = 0; round < 20 && conflicts < 3; round++) {
        store = newStoreFolder();
        const result = await runBackup(backupInputs(standby, 'shop', store));
        if (result.exitCode === 0) continue; // It was fast enough.
        expectConflict(result);
        conflicts++;
      }
      expect(conflicts).toBe(3);
    });

    test('the conflict before pg_dump has taken the snapshot', async () => {
      const env = { PATH: pathWithLatePgDump() };
      for (let round = 0; round < 3; round++) {
        expectConflict(await runBackup(backupInputs(standby, 'shop', store), { env }));
      }
    });
  });
});

/** A PATH with a pg_dump that connects only when the session that holds its snapshot is gone. */
function pathWithLatePgDump(): string {
  const folder = mkdtempSync(join(runFolder(), 'late-'));
  const binDir = localPrograms()?.binDir;
  const holder = "select 1 from pg_stat_activity where application_name like 'lifeboat-%-snapshot'";
  writeFileSync(
    join(folder, 'pg_dump'),
    `#!/bin/sh
case "$*" in *--snapshot=*)
  while [ "$(${binDir}/psql -XqAt -c "${holder}" | wc -l)" -gt 0 ]; do sleep 0.02; done
esac
exec ${binDir}/pg_dump "$@"
`,
    { mode: 0o755 },
  );
  return `${folder}:${process.env.PATH}`;
}
