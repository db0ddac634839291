import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeId } from '../../../src/formats/id.ts';
import { type Person, people } from '../../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../../support/action/run-backup.ts';
import { newStoreFolder, readBackup, type StoreFolder } from '../../support/action/stored-backup.ts';
import { makeBackup } from '../../support/data/made-backup.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { copyOf, idsIn, replay, sign, write } from './forge.ts';

/* Manifests that an attacker adds do not stop backups, and the backup of another database does not pass for this one's. */

const DATABASE = 'junk';
const SET = 'shop';

let server: PostgresServer;
let alice: Person;
let bob: Person;
let signer: Person;
/** One signed backup. */
let genuine: StoreFolder;
let first: string;
let store: StoreFolder;

beforeAll(async () => {
  [server, { alice, bob, signer }] = await Promise.all([sharedPostgres(), people()]);
  await server.createDatabase(DATABASE);
  await server.createDatabase('another');
  await server.psql(DATABASE, 'create table orders as select n as id from generate_series(1, 100) n');
  await server.psql('another', 'create table orders as select n as id from generate_series(1, 100) n');
  genuine = newStoreFolder();
  store = genuine;
  expect(errorsOf(await backUp())).toEqual([]);
  [first = ''] = idsIn(genuine, SET);
});

afterAll(async () => {
  await server.dropDatabase(DATABASE);
  await server.dropDatabase('another');
});

beforeEach(() => {
  store = copyOf(genuine);
});

function backUp(inputs: ActionInputs = {}, database = DATABASE): Promise<ActionResult> {
  const encryption = { passphrase: '', 'public-key': alice.publicKey, 'signing-key': signer.secretKey };
  return runBackup({ ...backupInputs(server, database, store), ...encryption, name: SET, ...inputs });
}

/** The newest in the store when the backup is made. */
const junk = makeId(new Date(Date.now() + 600_000), 'ffffffff');
const manifestKey = `${SET}/${junk}/manifest.json`;

/** A manifest as Lifeboat writes them, of another database. */
function foreign(): Buffer {
  const { files } = makeBackup(junk, { set: SET, manifest: { source: '0'.repeat(64) } });
  return files.get(manifestKey) ?? Buffer.of();
}

/** It is made, names the genuine one as the one before it, and warns of the junk. */
async function expectPassedOver(result: ActionResult, why: RegExp): Promise<void> {
  expect(errorsOf(result)).toEqual([]);
  const { manifest } = readBackup(store, SET, result.outputs.id ?? '');
  expect(manifest.previous?.id).toBe(first);
  const warnings = result.annotations.filter(({ kind, message }) => kind === 'warning' && message.includes(junk));
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(why)]);
}

describe('a backup is made though there is', () => {
  test.each<[string, () => void | Promise<void>, RegExp]>([
    ['a manifest that is no JSON', () => write(store, manifestKey, 'x'), /not signed/],
    [
      'a manifest that lacks nearly everything, of another source',
      () => write(store, manifestKey, '{"format":1,"id":"x","source":"0000"}'),
      /not signed/,
    ],
    ['a whole manifest of another source, not signed', () => write(store, manifestKey, foreign()), /not signed/],
    [
      'a whole manifest of another source, signed by another key',
      async () => {
        write(store, manifestKey, foreign());
        await sign(store, manifestKey, bob.secretKey);
      },
      /signature/,
    ],
    [
      'the genuine manifest in another folder',
      () => replay(store, `${SET}/${first}/manifest.json`, manifestKey),
      /names backup/,
    ],
    ['an empty manifest', () => write(store, manifestKey, ''), /not signed/],
  ])('%s', async (_, attack, why) => {
    await attack();
    await expectPassedOver(await backUp(), why);
  });

  test('junk by the hundred: one warning', async () => {
    for (let index = 0; index < 200; index++) {
      write(store, `${SET}/${makeId(new Date(), index.toString(16).padStart(8, '0'))}/manifest.json`, 'x');
    }
    write(store, manifestKey, 'x');
    await expectPassedOver(await backUp(), /201 newer/);
  });

  test('junk, with a verification-key and in a dry run', async () => {
    write(store, manifestKey, foreign());
    await expectPassedOver(await backUp({ 'verification-key': signer.publicKey }), /not signed/);
    const plan = await backUp({ 'dry-run': 'true' });
    expect(plan.log).not.toMatch(/would fail/);
  });

  test('junk in a set that nobody signs', async () => {
    store = newStoreFolder();
    const plain = { 'public-key': '', 'signing-key': '', passphrase: 'a passphrase' };
    const made = await backUp(plain);
    write(store, manifestKey, '{"format":1,"id":"x","source":"0000"}');
    const result = await backUp(plain);
    expect(errorsOf(result)).toEqual([]);
    expect(readBackup(store, SET, result.outputs.id ?? '').manifest.previous?.id).toBe(made.outputs.id);
  });
});

test('another database under the same name is still refused, junk or not', async () => {
  for (const attack of [() => {}, () => write(store, manifestKey, 'x'), () => write(store, manifestKey, foreign())]) {
    attack();
    const refused = await backUp({}, 'another');
    expect(refused.exitCode).toBe(1);
    expect(errorsOf(refused)[0]?.message).toMatch(new RegExp(`${first}.*allow-new-source: true`, 's'));
  }
});
