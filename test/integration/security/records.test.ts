import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeId } from '../../../src/formats/id.ts';
import { type Person, people } from '../../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../../support/action/run-backup.ts';
import { type Checked, ruleOf, runCheck } from '../../support/action/run-check.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { makeBackup } from '../../support/data/made-backup.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { copyOf, idsIn, recordKey, recordsOf, replay, sign, wellFormedRecord, write } from './forge.ts';

/* What the records of restore tests are worth: for the store that was read, and against those who change them. */

const DATABASE = 'recorded';
const SET = 'shop';
const HOUR = 3_600_000;

let server: PostgresServer;
let alice: Person;
let bob: Person;
let signer: Person;

beforeAll(async () => {
  [server, { alice, bob, signer }] = await Promise.all([sharedPostgres(), people()]);
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, 'create table orders as select n as id from generate_series(1, 100) n');
});

afterAll(() => server.dropDatabase(DATABASE));

function run(inputs: ActionInputs): Promise<ActionResult> {
  return runBackup({ 'signing-key': signer.secretKey, ...inputs });
}

function backUp(store: StoreFolder, inputs: ActionInputs = {}): Promise<ActionResult> {
  const encryption = { passphrase: '', 'public-key': alice.publicKey };
  return run({ ...backupInputs(server, DATABASE, store), ...encryption, name: SET, ...inputs });
}

function restoreTest(store: string, inputs: ActionInputs = {}): Promise<ActionResult> {
  const keys = { 'private-key': alice.secretKey, 'verification-key': signer.publicKey };
  return run({ command: 'restore-test', store, 'scratch-url': server.url('postgres'), ...keys, ...inputs });
}

describe('a record is written only where the bytes were read', () => {
  let one: StoreFolder;
  let two: StoreFolder;
  let id: string;

  beforeEach(async () => {
    [one, two] = [newStoreFolder(), newStoreFolder()];
    const result = await backUp(one, { store: `${one.url}\n${two.url}` });
    expect(errorsOf(result)).toEqual([]);
    id = result.outputs.id ?? '';
  });

  test.each<[string, (folder: string) => void]>([
    ['emptied', (folder) => truncateSync(join(folder, 'data.dump.zst.gpg'))],
    [
      'replaced by as many other bytes',
      (folder) => {
        const file = join(folder, 'schema.dump.zst.gpg');
        writeFileSync(file, Buffer.alloc(readFileSync(file).length, 'x'));
      },
    ],
    ['whole', () => {}],
  ])('the copy in the second store, %s, is not called proven', async (_, damage) => {
    damage(join(two.path, SET, id));
    const result = await restoreTest(`${one.url}\n${two.url}`);
    expect(result.outputs).toMatchObject({ verdict: 'proven', id });
    expect([recordsOf(one, SET, id).length, recordsOf(two, SET, id)]).toEqual([1, []]);
    const proven = await restoreTest(two.url, { backup: 'latest-proven' });
    expect(errorsOf(proven)[0]?.message).toMatch(/no backup that a restore test has proven/);
  });
});

describe('a check is red when somebody has changed or added a record', () => {
  /** A backup whose first restore test passed, and whose second failed; both signed. */
  let genuine: StoreFolder;
  let id: string;
  let failed: string;

  beforeAll(async () => {
    genuine = newStoreFolder();
    const made = makeBackup(makeId(new Date(Date.now() - 5 * HOUR), '0a1b2c3d'));
    id = made.id;
    for (const [key, bytes] of made.files) write(genuine, key, bytes);
    await sign(genuine, `${SET}/${id}/manifest.json`, signer.secretKey);
    for (const [age, verdict] of [[3, 'proven'] as const, [2, 'failed'] as const]) {
      const time = new Date(Date.now() - age * HOUR);
      const key = recordKey(SET, id, time, verdict, '00000000');
      write(genuine, key, wellFormedRecord(genuine, [SET, id], verdict, time));
      await sign(genuine, key, signer.secretKey);
    }
    failed = recordsOf(genuine, SET, id)[1] ?? '';
  });

  function check(store: StoreFolder, inputs: ActionInputs = {}): Promise<Checked> {
    return runCheck([store.url], { name: SET, 'verification-key': signer.publicKey, ...inputs });
  }

  function expectRed(result: Checked, says: RegExp): void {
    expect(result.exitCode).toBe(1);
    expect(ruleOf(result, 'restore test')).toMatchObject({ status: 'failed' });
    expect(errorsOf(result)[0]?.message).toMatch(says);
  }

  test('as long as the failure is there', async () => expectRed(await check(genuine), /failed\. Read what it found/));

  const now = new Date();

  test.each<[string, (store: StoreFolder) => void | Promise<void>, RegExp]>([
    ['the failed one was emptied', (store) => write(store, failed, ''), /Does not count: .*failed\.json/],
    ['its signature was emptied', (store) => write(store, `${failed}.asc`, ''), /Does not count: .*failed\.json/],
    [
      'it was written anew, as proven, and nobody has signed that',
      (store) => {
        const time = new Date(Date.now() - 2 * HOUR);
        write(store, failed, wellFormedRecord(store, [SET, id], 'proven', time));
      },
      /Does not count/,
    ],
    [
      'a newer one was added, signed by another key',
      async (store) => {
        write(store, failed, '');
        const key = recordKey(SET, id, now, 'proven');
        write(store, key, wellFormedRecord(store, [SET, id], 'proven', now));
        await sign(store, key, bob.secretKey);
      },
      /Does not count/,
    ],
    [
      'the proven one was copied to a later time',
      (store) => {
        const [proven = ''] = recordsOf(store, SET, id);
        write(store, failed, '');
        replay(store, proven, recordKey(SET, id, now, 'proven'));
      },
      /Does not count/,
    ],
  ])('%s', async (_, attack, says) => {
    const attacked = copyOf(genuine);
    await attack(attacked);
    for (const inputs of [{}, { 'max-restore-test-age': '1d' }]) expectRed(await check(attacked, inputs), says);
    const { annotations } = await check(attacked);
    expect(annotations[0]?.message).toMatch(/changed|written|find out/i);
  });

  test('a hundred unsigned ones that are newer do not hide the failure', async () => {
    const attacked = copyOf(genuine);
    for (let index = 0; index < 100; index++) {
      write(attacked, recordKey(SET, id, now, 'proven', index.toString(16).padStart(8, '0')), '{}');
    }
    const result = await check(attacked);
    expectRed(result, /Does not count/);
    expect(ruleOf(result, 'restore test').found.join(' ')).toContain(`of ${id}: failed.`);
  });

  test('unsigned ones that are older than the newest verified one change nothing', async () => {
    const store = copyOf(genuine);
    write(store, recordKey(SET, id, new Date(Date.now() - 4 * HOUR), 'failed'), '{}');
    const key = recordKey(SET, id, now, 'proven');
    write(store, key, wellFormedRecord(store, [SET, id], 'proven', now));
    await sign(store, key, signer.secretKey);
    expect(ruleOf(await check(store), 'restore test')).toMatchObject({ status: 'passed' });
  });

  test('replayed: of another backup, another set, another store', async () => {
    const [proven = ''] = recordsOf(genuine, SET, id);
    const [sameBackup, other] = [copyOf(genuine), makeBackup(makeId(now, '0a1b2c3d'), { set: SET })];
    for (const [key, bytes] of other.files) write(sameBackup, key, bytes);
    await sign(sameBackup, `${SET}/${other.id}/manifest.json`, signer.secretKey);
    replay(sameBackup, proven, proven.replace(id, other.id));
    // The same id in another store, with a manifest of its own.
    const elsewhere = newStoreFolder();
    for (const [key, bytes] of makeBackup(id, { size: 7 }).files) write(elsewhere, key, bytes);
    await sign(elsewhere, `${SET}/${id}/manifest.json`, signer.secretKey);
    replay(genuine, proven, proven, elsewhere);
    for (const store of [sameBackup, elsewhere]) {
      const { report } = await check(store);
      expect(report.stores[0]?.sets[0]?.newestProven).toBeNull();
    }
    expect(idsIn(elsewhere, SET)).toEqual([id]);
    expect(readdirSync(join(elsewhere.path, SET, id, 'restore-tests'))).toHaveLength(2);
  });
});

describe('recovered', () => {
  test('is told of the newest record that counts, whatever was added', async () => {
    const store = newStoreFolder();
    await backUp(store);
    const lie = '- {name: a lie, sql: select 1, expect: {equals: 2}}';
    expect((await restoreTest(store.url, { assertions: lie })).outputs.verdict).toBe('failed');
    const [id = ''] = idsIn(store, SET);
    write(store, recordKey(SET, id, new Date(Date.now() + 60_000), 'proven'), '{}');
    const result = await restoreTest(store.url);
    const report = JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8'));
    expect(report).toMatchObject({ verdict: 'proven', recovered: true });
  });
});
