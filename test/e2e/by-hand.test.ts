import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Inventory } from '../../src/formats/inventory/inventory.ts';
import type { PartName } from '../../src/formats/names.ts';
import { type ByHand, gpg, newGnupgHome, type Person, people, readByHand } from '../support/action/gnupg.ts';
import { backUpInProcess } from '../support/action/in-process.ts';
import { backupInputs, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { createSampleDatabase } from '../support/action/sample-database.ts';
import { newStoreFolder, pathOf, readBackup, type StoredBackup, sha256 } from '../support/action/stored-backup.ts';
import { readTables, type TableContents } from '../support/action/table-contents.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/*
 * Design, 5: with gpg, zstd and pg_restore alone a person restores any backup. Nothing of ours reads it here.
 */
const DATABASE = 'by_hand';
const PART_NAMES: PartName[] = ['schema', 'data', 'globals', 'inventory'];

let server: PostgresServer;
let source: Record<string, TableContents>;
let alice: Person;
let bob: Person;
let signer: Person;

beforeAll(async () => {
  server = await sharedPostgres();
  await createSampleDatabase(server, DATABASE);
  source = await readTables(server, DATABASE);
  ({ alice, bob, signer } = await people());
});

async function makeBackup(inputs: Record<string, string>): Promise<StoredBackup> {
  const store = newStoreFolder();
  const result = await runBackup({ ...backupInputs(server, DATABASE, store), ...inputs });
  expect(result).toMatchObject({ exitCode: 0 });
  return readBackup(store, DATABASE, result.outputs.id ?? '');
}

/** Restores into a new database, and reads what is there. */
async function restore(backup: StoredBackup, reader: ByHand): Promise<Record<string, TableContents>> {
  const target = `restored_${crypto.randomUUID()}`;
  await server.createDatabase(target, 'TEMPLATE template0');
  const restoring = { ...reader, into: `pg_restore -d ${target}`, env: server.env('postgres') };
  expect(await readByHand(pathOf(backup, 'data'), restoring)).toBe('');
  const contents = await readTables(server, target);
  await server.dropDatabase(target);
  return contents;
}

/** What gpg says of the packets of a part that it can decrypt. */
function packetsOf(backup: StoredBackup, part: PartName, { home, passphrase }: ByHand): Promise<string> {
  const unlock = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '0'];
  return gpg(home, [...unlock, '--list-packets', pathOf(backup, part)], passphrase);
}

describe.each(['passphrase', 'public-key'] as const)('a backup with a %s', (kind) => {
  let backup: StoredBackup;
  let reader: ByHand;

  beforeAll(async () => {
    if (kind === 'passphrase') {
      backup = await makeBackup({});
      reader = { home: newGnupgHome(), passphrase: PASSPHRASE };
    } else {
      backup = await makeBackup({ passphrase: '', 'public-key': alice.publicKey + bob.publicKey });
      reader = { home: alice.home };
    }
  });

  test('is restored by cat, gpg, zstd and pg_restore: every row of every table', async () => {
    expect(Object.keys(source).length).toBeGreaterThan(15);
    const restored = await restore(backup, reader);
    expect(restored).toEqual(source);
  });

  test('the comparison would see one row that differs', async () => {
    await server.psql(DATABASE, `begin; update customers set notes = '{}' where id = 1; commit`);
    const changed = await readTables(server, DATABASE);
    expect(Object.keys(source).filter((table) => changed[table]?.md5 !== source[table]?.md5)).toEqual([
      'public.customers',
    ]);
    await server.psql(DATABASE, `update customers set notes = '{"n": 1, "text": "é"}' where id = 1`);
    expect(await readTables(server, DATABASE)).toEqual(source);
  });

  test('the other parts are read in the same way', async () => {
    const schema = await readByHand(pathOf(backup, 'schema'), { ...reader, into: 'pg_restore -f -' });
    expect(schema).toMatch(/CREATE TABLE public\.customers/);
    expect(schema).toMatch(/CREATE MATERIALIZED VIEW public\.totals/);
    expect(schema).not.toMatch(/^COPY /m);
    expect(await readByHand(pathOf(backup, 'globals'), reader)).toMatch(/^CREATE ROLE postgres;$/m);
  });

  test('the inventory has the rows of the source, and binds the other parts', async () => {
    const inventory = JSON.parse(await readByHand(pathOf(backup, 'inventory'), reader)) as Inventory;
    const { manifest } = backup;
    expect(inventory).toMatchObject({ format: 1, id: manifest.id, name: DATABASE });
    const rows = Object.fromEntries(inventory.tables.map((table) => [`${table.schema}.${table.name}`, table.rows]));
    const expected = Object.entries(source).filter(([name]) => name !== 'public.orders'); // Partitioned: holds none.
    expect(rows).toEqual(Object.fromEntries(expected.map(([name, { rows: count }]) => [name, String(count)])));
    expect(inventory.parts).toEqual(
      manifest.parts
        .filter(({ name }) => name !== 'inventory')
        .map(({ name, plain, volumes }) => ({ name, plain, sha256: volumes[0]?.sha256, sums: null })),
    );
    expect(inventory.largeObjects).toMatchObject({ count: '2', dumped: true });
    expect(inventory.sequences.find(({ name }) => name === 'countdown')).toMatchObject({
      increment: '-3',
      before: { lastValue: '-301', isCalled: true },
      after: { lastValue: '-301', isCalled: true },
    });
  });

  test('each part is AES-256 with an integrity check, and not compressed again', async () => {
    for (const part of PART_NAMES) {
      const packets = await packetsOf(backup, part, reader);
      expect(packets).toMatch(/^:encrypted data packet:\n.*\n?\s+mdc_method: 2$/m);
      expect(packets).toMatch(/^:literal data packet:/m);
      expect(packets).not.toMatch(/compressed packet|aead encrypted packet/);
      if (kind === 'passphrase') {
        expect(packets).toMatch(/^:symkey enc packet: version 4, cipher 9, .*s2k 3, hash 8/m);
        expect(packets).toMatch(/count 65011712 \(255\)/);
        expect(packets).not.toMatch(/pubkey enc packet/);
      } else {
        expect(packets.match(/^:pubkey enc packet: version 3/gm)?.length).toBe(2);
        expect(packets).not.toMatch(/symkey enc packet/);
      }
    }
  });

  test('a flipped bit is seen by gpg', async () => {
    const bytes = readFileSync(pathOf(backup, 'data'));
    const whole = await readByHand(pathOf(backup, 'data'), { ...reader, into: 'wc -c' });
    expect(Number(whole)).toBe(backup.manifest.parts.find(({ name }) => name === 'data')?.plain);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 30) ^ 1, bytes.length - 30);
    const spoiled = join(newStoreFolder().path, 'data');
    writeFileSync(spoiled, bytes);
    await expect(readByHand(spoiled, { ...reader, into: 'wc -c' })).rejects.toThrow(/encrypted message has been manip/);
  });
});

test('a part of many volumes is restored in the same way', async () => {
  const store = newStoreFolder();
  const { id } = await backUpInProcess(backupInputs(server, DATABASE, store), { volumeSize: 10_000 });
  const backup = readBackup(store, DATABASE, id);
  const data = backup.manifest.parts.find(({ name }) => name === 'data');
  expect(data?.volumes.length).toBeGreaterThan(10);
  expect(data?.volumes.map(({ key }) => key).slice(0, 3)).toEqual([
    'data.dump.zst.gpg',
    'data.dump.zst.gpg.0001',
    'data.dump.zst.gpg.0002',
  ]);
  for (const { key, size, sha256: digest } of data?.volumes ?? []) {
    const bytes = readFileSync(join(backup.folder, key));
    expect({ size, digest }).toEqual({ size: bytes.length, digest: sha256(bytes) });
  }
  expect(await restore(backup, { home: newGnupgHome(), passphrase: PASSPHRASE })).toEqual(source);
});

describe('who can read', () => {
  test('either of two recipients, by the subkey that the manifest names, and nobody else', async () => {
    const backup = await makeBackup({ passphrase: '', 'public-key': alice.publicKey + bob.publicKey });
    expect(backup.manifest.encryption).toEqual({ kind: 'public-key', recipients: [alice.subkey, bob.subkey] });
    for (const { home, subkey } of [alice, bob]) {
      expect(await readByHand(pathOf(backup, 'globals'), { home })).toMatch(/CREATE ROLE/);
      expect(await packetsOf(backup, 'globals', { home })).toContain(subkey.slice(-16));
      const said = await gpg(home, ['--verbose', '--status-fd', '1', '-d', pathOf(backup, 'globals')]);
      expect(said).toMatch(/\[GNUPG:\] DECRYPTION_INFO 2 9/); // MDC, AES-256.
    }
    await expect(readByHand(pathOf(backup, 'globals'), { home: signer.home })).rejects.toThrow(/No secret key/);
  });

  test('nobody with another passphrase', async () => {
    const backup = await makeBackup({});
    const reader = { home: newGnupgHome(), passphrase: `${PASSPHRASE}!` };
    await expect(readByHand(pathOf(backup, 'globals'), reader)).rejects.toThrow(/Bad session key/);
  });

  test('somebody with a passphrase of any characters', async () => {
    const passphrase = ` Zwölf Boxkämpfer '"\\$\`%0A🛟 `;
    const backup = await makeBackup({ passphrase });
    const said = await readByHand(pathOf(backup, 'globals'), { home: newGnupgHome(), passphrase });
    expect(said).toMatch(/CREATE ROLE/);
  });
});
