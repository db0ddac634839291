import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeId } from '../../../src/formats/id.ts';
import { type Person, people } from '../../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { copyOf, idsIn, recordKey, recordsOf, replay, sign, wellFormedRecord, write } from './forge.ts';

/* Which backup `latest-proven` and `latest` mean, when an attacker can write the store and has no key. */

const SET = 'shop';
const HOUR = 3_600_000;

let server: PostgresServer;
let alice: Person;
let bob: Person;
let signer: Person;
/** An older backup that was never tested, and a newer one that is proven; both signed, and the record too. */
let genuine: StoreFolder;
let older: string;
let newer: string;

beforeAll(async () => {
  [server, { alice, bob, signer }] = await Promise.all([startPostgres(), people()]);
  await server.createDatabase(SET);
  await server.psql(SET, "create table orders (id int primary key, note text); insert into orders values (1, 'old')");
  genuine = newStoreFolder();
  await backUp();
  await server.psql(SET, "insert into orders values (2, 'new')");
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // Ids sort by the second.
  await backUp();
  [older = '', newer = ''] = idsIn(genuine, SET);
  const tested = await run(genuine, { command: 'restore-test', 'signing-key': signer.secretKey });
  expect(tested.outputs).toMatchObject({ verdict: 'proven', id: newer });
});

afterAll(() => server.stop());

async function backUp(): Promise<void> {
  const inputs = { ...backupInputs(server, SET, genuine), passphrase: '', 'public-key': alice.publicKey };
  expect(errorsOf(await runBackup({ ...inputs, 'signing-key': signer.secretKey }))).toEqual([]);
}

function run(store: StoreFolder, inputs: ActionInputs): Promise<ActionResult> {
  const keys = { 'private-key': alice.secretKey, 'verification-key': signer.publicKey };
  const scratch = inputs.command === 'restore-test' ? { 'scratch-url': server.url('postgres') } : {};
  return runBackup({ store: store.url, ...keys, ...scratch, ...inputs });
}

/** The plan of a restore. */
function plan(store: StoreFolder, inputs: ActionInputs = {}): Promise<ActionResult> {
  return run(store, {
    command: 'restore',
    'database-url': server.url(SET),
    'dry-run': 'true',
    backup: 'latest-proven',
    ...inputs,
  });
}

/** The backup that a run has taken; null when it took none. */
function taken({ log }: ActionResult): string | null {
  return /^Restore (?:test )?of backup (\S+)/m.exec(log)?.[1] ?? null;
}

function warningsOf({ annotations }: ActionResult): string[] {
  return annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message);
}

/** Two files that are added: the newer backup seems to have failed, the older one to be proven. */
function addEmptyRecords(store: StoreFolder): void {
  const now = new Date();
  write(store, recordKey(SET, newer, now, 'failed'), '');
  write(store, recordKey(SET, older, now, 'proven'), '');
}

describe('latest-proven', () => {
  test('two empty files do not swap in an old, untested backup', async () => {
    const attacked = copyOf(genuine);
    addEmptyRecords(attacked);
    const inputs = { command: 'restore', backup: 'latest-proven', replace: 'true', confirm: SET };
    const result = await run(attacked, { ...inputs, 'database-url': server.url(SET) });
    expect([taken(result), errorsOf(result)]).toEqual([newer, []]);
    expect(await server.psql(SET, 'select string_agg(note, $$,$$ order by id) from orders')).toBe('old,new');
  });

  test.each<[string, (store: StoreFolder, now: Date) => void | Promise<void>]>([
    [
      'records that say the right thing, without a signature',
      (store, now) => {
        write(store, recordKey(SET, newer, now, 'failed'), wellFormedRecord(store, [SET, newer], 'failed', now));
        write(store, recordKey(SET, older, now, 'proven'), wellFormedRecord(store, [SET, older], 'proven', now));
      },
    ],
    [
      'records signed by another key',
      async (store, now) => {
        for (const [id, verdict] of [[newer, 'failed'] as const, [older, 'proven'] as const]) {
          const key = recordKey(SET, id, now, verdict);
          write(store, key, wellFormedRecord(store, [SET, id], verdict, now));
          await sign(store, key, bob.secretKey);
        }
      },
    ],
    [
      'the genuine record under the older backup, and under the name of a failure',
      (store) => {
        const [record = ''] = recordsOf(store, SET, newer);
        replay(store, record, record.replace(newer, older));
        replay(store, record, record.replace(/-[0-9a-f]{8}-proven/, '-ffffffff-failed'));
      },
    ],
    [
      'hundreds of failures of the newer backup',
      (store, now) => {
        for (let index = 0; index < 300; index++) {
          const time = new Date(now.getTime() - index);
          write(store, recordKey(SET, newer, time, 'failed', index.toString(16).padStart(8, '0')), '{}');
        }
        write(store, recordKey(SET, older, now, 'proven'), '{}');
      },
    ],
  ])('%s: the newer one stays the newest proven one', async (_, attack) => {
    const attacked = copyOf(genuine);
    await attack(attacked, new Date());
    const results = [await plan(attacked), await run(attacked, { command: 'restore-test', backup: 'latest-proven' })];
    expect(results.map(taken)).toEqual([newer, newer]);
  });

  test('hold holds the one that is really proven', async () => {
    const attacked = copyOf(genuine);
    addEmptyRecords(attacked);
    const inputs = { command: 'hold', store: attacked.url, backup: 'latest-proven' };
    const result = await runBackup({ ...inputs, 'verification-key': signer.publicKey });
    expect([errorsOf(result), result.outputs.id]).toEqual([[], newer]);
  });

  test('a record with a wrong clock does not hide a later failure', async () => {
    const store = copyOf(genuine);
    const [ahead, now] = [new Date(Date.now() + 48 * HOUR), new Date()];
    const records = [
      [newer, 'proven', ahead],
      [newer, 'failed', now],
      [older, 'proven', new Date(now.getTime() - HOUR / 2)],
    ] as const;
    for (const [id, verdict, time] of records) {
      const key = recordKey(SET, id, time, verdict);
      write(store, key, wellFormedRecord(store, [SET, id], verdict, time));
      await sign(store, key, signer.secretKey);
    }
    expect(taken(await plan(store))).toBe(older);
  });

  test('when nothing is verifiably proven it takes none, and says why', async () => {
    const store = copyOf(genuine);
    const [record = ''] = recordsOf(store, SET, newer);
    writeFileSync(join(store.path, `${record}.asc`), 'x');
    const result = await plan(store);
    expect(taken(result)).toBeNull();
    expect(errorsOf(result)[0]?.message).toMatch(
      new RegExp(`no backup that a restore test has proven.*${newer}.*signing-key`, 's'),
    );
  });
});

describe('latest', () => {
  const junk = makeId(new Date(Date.now() + HOUR / 4), 'ffffffff');

  test.each<[string, (store: StoreFolder) => void, RegExp]>([
    ['that is no JSON', (store) => write(store, `${SET}/${junk}/manifest.json`, 'x'), /not signed/],
    [
      'signed, of another backup',
      (store) => replay(store, `${SET}/${newer}/manifest.json`, `${SET}/${junk}/manifest.json`),
      /names backup/,
    ],
    [
      'without its signature',
      (store) => {
        const manifest = JSON.stringify({ format: 1, id: junk, name: SET });
        write(store, `${SET}/${junk}/manifest.json`, manifest);
      },
      /not signed/,
    ],
  ])('passes over a newer manifest %s, with a warning', async (_, attack, why) => {
    const attacked = copyOf(genuine);
    attack(attacked);
    for (const result of [await plan(attacked, { backup: 'latest' }), await run(attacked, RESTORE_TEST)]) {
      expect([taken(result), errorsOf(result)]).toEqual([newer, []]);
      const [warning] = warningsOf(result).filter((message) => message.includes(junk));
      expect(warning).toMatch(why);
    }
    const named = await plan(attacked, { backup: junk });
    expect(errorsOf(named)).toHaveLength(1);
    expect(named.log).not.toMatch(/\[dry-run\] Restores backup/);
  });

  test('is taken though its signature is too large to be read, where none is required', async () => {
    const attacked = copyOf(genuine);
    truncateSync(join(attacked.path, SET, newer, 'manifest.json.asc'), 2 ** 30);
    expect(taken(await plan(attacked, { backup: 'latest', 'verification-key': '' }))).toBe(newer);
  });

  test('named by its id, a manifest that is too large to be read is refused, and the error says why', async () => {
    const attacked = copyOf(genuine);
    truncateSync(join(attacked.path, SET, newer, 'manifest.json'), 2 ** 30);
    const result = await plan(attacked, { backup: newer });
    expect(errorsOf(result)[0]?.message).toMatch(new RegExp(`Backup ${newer} cannot be used: .*larger than 16 MiB`));
  });

  const RESTORE_TEST = { command: 'restore-test', backup: 'latest' };
});

describe('the age of a backup', () => {
  test('is printed, and above max-age a warning', async () => {
    const [young, old] = [await plan(genuine, { 'max-age': '1h' }), await plan(genuine, { 'max-age': '0s' })];
    for (const result of [young, old]) {
      expect(errorsOf(result)).toEqual([]);
      expect(result.log).toMatch(new RegExp(`Restore of backup ${newer} .*\\bold\\b`));
    }
    expect(warningsOf(young)).toEqual([]);
    expect(warningsOf(old)).toEqual([expect.stringMatching(new RegExp(`${newer} is .* old.*max-age`))]);
  });
});
