import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Inventory } from '../../../src/formats/inventory/inventory.ts';
import type { Manifest } from '../../../src/formats/manifest.ts';
import { type PartName, sumsFile, volumeFile } from '../../../src/formats/names.ts';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';
import { RangeDigests } from '../../../src/store/fan-out/range-digests.ts';
import { REPOSITORY } from '../../support/action/action-definition.ts';
import { newGnupgHome, type Person, people, readByHand } from '../../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest } from '../../support/action/run-restore-test.ts';
import {
  newStoreFolder,
  pathOf,
  readBackup,
  type StoredBackup,
  type StoreFolder,
} from '../../support/action/stored-backup.ts';
import { makeTree } from '../../support/data/made-tree.ts';
import { execute } from '../../support/servers/execute.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';
import { type Attacker, hostileVolume, makeAttacker, setuidTree } from './hostile-volume.ts';

/*
 * An attacker may write the store and knows the public key. No byte of theirs is decrypted, restored or unpacked: not of
 * any part, by any command, with or without side objects. Unless a test says otherwise the manifest is signed.
 */
const DATABASE = 'stored_bytes';

interface Kept {
  store: StoreFolder;
  backup: StoredBackup;
}

let server: PostgresServer;
let alice: Person;
let signer: Person;
let attacker: Attacker;
let kept: Kept;
let uploads: string;
let counter = 0;

beforeAll(async () => {
  server = await sharedPostgres();
  ({ alice, signer } = await people());
  attacker = await makeAttacker(server);
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create table orders (id int primary key, what text);
    insert into orders select n, md5(n::text) || md5((n * 7)::text) from generate_series(1, 5000) n;
    -- More than two ranges of the stored volume, so that its head can be used before its end is known.
    create table notes as select string_agg(md5(random()::text), '') as note
      from generate_series(1, 900000) n group by n % 900`,
  );
  uploads = makeTree({ 'a.txt': 'one' });
  writeFileSync(join(uploads, 'b.bin'), randomBytes(20 * 1024 * 1024));
  kept = await backUp(keys());
});

const keys = () => ({ passphrase: '', 'public-key': alice.publicKey, 'signing-key': signer.secretKey });
const opened = () => ({ 'private-key': alice.secretKey, 'verification-key': signer.publicKey });

async function backUp(inputs: ActionInputs): Promise<Kept> {
  const store = newStoreFolder();
  const paths = `uploads=${uploads}`;
  const result = await runBackup({ ...backupInputs(server, DATABASE, store), paths, ...inputs });
  expect(errorsOf(result)).toEqual([]);
  return { store, backup: readBackup(store, DATABASE, result.outputs.id ?? '') };
}

/** A copy of a backup's store, and the folder of the backup in it, for the attacker to write to. */
function copyOf({ store, backup }: Kept): { copy: StoreFolder; folder: string } {
  const copy = newStoreFolder();
  cpSync(store.path, copy.path, { recursive: true });
  return { copy, folder: join(copy.path, backup.manifest.name, backup.manifest.id) };
}

/** Puts an archive of the attacker's in the place of a volume: as long as it was, so that sizes tell nothing. */
async function replaceVolume(folder: string, part: PartName, plain = attacker.archive): Promise<string> {
  const file = join(folder, volumeFile(part, 0));
  // The volumes of this small database could not hold the archive; who makes it knows how large it may be.
  writeFileSync(file, await hostileVolume(plain, alice.publicKey, statSync(file).size));
  return file;
}

async function restore(store: StoreFolder, inputs: ActionInputs = {}): Promise<ActionResult & { database: string }> {
  const database = `stored_bytes_${++counter}`;
  const target = { 'database-url': server.url(database), confirm: database };
  const result = await runBackup({ command: 'restore', store: store.url, ...target, ...opened(), ...inputs });
  return { ...result, database };
}

async function databasesLike(name: string): Promise<string> {
  return server.psql('postgres', `select datname from pg_database where datname ~ '^${name}(_|$)'`);
}

const scratch = () => ({ 'scratch-url': server.url('postgres') });

test('the archive strikes where it is restored, so that these tests can fail', async () => {
  const database = 'stored_bytes_struck';
  await server.createDatabase(database);
  const file = join(mkdtempSync(join(runFolder(), 'archive-')), 'archive');
  writeFileSync(file, attacker.archive);
  await execute('pg_restore', ['-d', database, file], { env: { ...process.env, ...server.env(database) } });
  expect(attacker.hasStruck()).toBe(true);
});

test('the backup that is changed below is proven as it is', async () => {
  expectProven(await runRestoreTest(kept.store, { ...opened(), ...scratch() }));
});

describe('a volume is replaced by one of the same size', () => {
  test.each<PartName>(['data', 'schema', 'globals', 'files-uploads'])('restore-test: %s', async (part) => {
    const { copy, folder } = copyOf(kept);
    await replaceVolume(folder, part);
    const first = expectFailed(await runRestoreTest(copy, { ...opened(), ...scratch() }));
    expect(first).toMatchObject({
      kind: 'part',
      object: part,
      message: expect.stringContaining('not what was stored'),
    });
    expect(attacker.hasStruck()).toBe(false);
  });

  test.each<[PartName, ActionInputs]>([
    ['data', {}],
    ['data', { jobs: '2' }],
    ['schema', { jobs: '2' }],
    ['schema', { tables: 'orders' }],
  ])('restore: %s, with %j', async (part, inputs) => {
    const { copy, folder } = copyOf(kept);
    await replaceVolume(folder, part);
    const result = await restore(copy, inputs);
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)[0]?.message).toContain('is not what was stored');
    expect(attacker.hasStruck()).toBe(false);
  });

  test('restore leaves nothing on the server when the part data is not the right one', async () => {
    const { copy, folder } = copyOf(kept);
    await replaceVolume(folder, 'data');
    const result = await restore(copy);
    expect(errorsOf(result)[0]?.message).toMatch(/was not renamed/);
    expect(await databasesLike(result.database)).toBe('');
  });

  test('restore with files-to writes no file of the attacker', async () => {
    const { copy, folder } = copyOf(kept);
    await replaceVolume(folder, 'files-uploads', setuidTree());
    const into = join(mkdtempSync(join(runFolder(), 'into-')), 'files');
    const result = await restore(copy, { 'files-to': into });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)[0]?.message).toContain('files-uploads');
    expect(existsSync(join(into, 'uploads', 'backdoor'))).toBe(false);
  });

  test('with its side object made to fit', async () => {
    const { copy, folder } = copyOf(kept);
    const bytes = readFileSync(await replaceVolume(folder, 'data'));
    writeFileSync(join(folder, sumsFile('data', 0)), sumsOf(bytes));
    const first = expectFailed(await runRestoreTest(copy, { ...opened(), ...scratch() }));
    expect(first).toMatchObject({
      object: 'data',
      message: expect.stringContaining('data.sums is not what was stored'),
    });
    expect((await restore(copy)).exitCode).toBe(1);
    expect(attacker.hasStruck()).toBe(false);
  });

  test('with its side object removed', async () => {
    const { copy, folder } = copyOf(kept);
    await replaceVolume(folder, 'data');
    rmSync(join(folder, sumsFile('data', 0)));
    expectFailed(await runRestoreTest(copy, { ...opened(), ...scratch() }));
    expect((await restore(copy)).exitCode).toBe(1);
    expect(attacker.hasStruck()).toBe(false);
  });
});

describe('of a backup without side objects', () => {
  const FROZEN = join(REPOSITORY, 'test/fixtures/formats/2026-11-30');
  const key = (name: string) => readFileSync(join(FROZEN, 'keys', `${name}.asc`), 'utf8');
  const frozenKeys = () => ({ 'private-key': key('decryption-private'), 'verification-key': key('signing-public') });

  async function hostileCopy(part: PartName): Promise<StoreFolder> {
    const copy = newStoreFolder();
    cpSync(join(FROZEN, 'store'), copy.path, { recursive: true });
    const file = join(copy.path, 'signed', '20261130T231821Z-f112f3f0', volumeFile(part, 0));
    writeFileSync(file, await hostileVolume(attacker.archive, key('decryption-public'), statSync(file).size));
    return copy;
  }

  test.each<PartName>(['data', 'schema', 'globals'])('a replaced volume of %s is not restored', async (part) => {
    const copy = await hostileCopy(part);
    const tested = await runRestoreTest(copy, { name: 'signed', ...frozenKeys(), ...scratch() });
    expect(expectFailed(tested)).toMatchObject({
      object: part,
      message: expect.stringContaining('not what was stored'),
    });
    const restored = await restore(copy, { name: 'signed', ...frozenKeys() });
    expect(restored.exitCode).toBe(1);
    expect(attacker.hasStruck()).toBe(false);
  });
});

test('a long part without side objects is read once before anything is restored, and the plan says so', async () => {
  const { copy, folder } = copyOf(await withoutSideObjects());
  const inputs = { 'private-key': '', 'verification-key': '', passphrase: PASSPHRASE };
  const planned = await restore(copy, { ...inputs, 'dry-run': 'true' });
  expect(planned.log).toContain('its data is fetched twice');
  expect(errorsOf(await restore(copy, inputs))).toEqual([]);
  await replaceVolume(folder, 'data');
  const restored = await restore(copy, inputs);
  expect(errorsOf(restored)[0]?.message).toMatch(/its sha256 is [0-9a-f]{64}, the manifest says/);
  expect(await databasesLike(restored.database)).toBe('');
  expect(attacker.hasStruck()).toBe(false);
});

/** A backup with a passphrase, made into one of the time before side objects. */
async function withoutSideObjects(): Promise<Kept> {
  const made = await backUp({ 'public-key': '', passphrase: PASSPHRASE });
  const { folder, manifest } = made.backup;
  const home = newGnupgHome();
  const plain = await readByHand(pathOf(made.backup, 'inventory'), { home, passphrase: PASSPHRASE });
  const inventory = JSON.parse(plain) as Inventory;
  for (const part of inventory.parts) Object.assign(part, { sums: undefined });
  const bytes = Buffer.from(JSON.stringify(inventory));
  const encryption = await prepareEncryption({ kind: 'passphrase', passphrase: PASSPHRASE });
  const chunks: Buffer[] = [];
  for await (const chunk of encryption.encrypt(Readable.from([zstdCompressSync(bytes)])))
    chunks.push(Buffer.from(chunk));
  const stored = Buffer.concat(chunks);
  writeFileSync(pathOf(made.backup, 'inventory'), stored);
  editManifest(folder, (edited) => {
    for (const part of edited.parts) {
      if (part.name === 'inventory') {
        part.plain = bytes.length;
        Object.assign(part.volumes[0] ?? {}, { size: stored.length, sha256: digestOf(stored) });
      }
      for (const volume of part.volumes) Object.assign(volume, { sums: undefined });
    }
    const volumes = edited.parts.flatMap((part) => part.volumes);
    edited.totals = {
      plain: edited.parts.reduce((sum, part) => sum + part.plain, 0),
      stored: volumes.reduce((sum, { size }) => sum + size, 0),
    };
  });
  rmSync(join(folder, sumsFile('data', 0)));
  rmSync(join(folder, sumsFile('files-uploads', 0)));
  return { store: made.store, backup: readBackup(made.store, manifest.name, manifest.id) };
}

function editManifest(folder: string, edit: (manifest: Manifest) => void): void {
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  edit(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

describe('not signed', () => {
  test.each<[how: string, sums: (bytes: Buffer) => string | null]>([
    ['keeps a side object for it', (bytes) => digestOf(sumsOf(bytes))],
    ['drops the side object', () => null],
  ])('a manifest that is edited to fit a replaced volume and %s does not fit the inventory', async (_, sums) => {
    const passphrase = await backUp({ 'public-key': '', passphrase: PASSPHRASE });
    const { copy, folder } = copyOf(passphrase);
    const bytes = readFileSync(await replaceVolume(folder, 'data'));
    writeFileSync(join(folder, sumsFile('data', 0)), sumsOf(bytes));
    editManifest(folder, (manifest) => {
      const [volume] = manifest.parts.find(({ name }) => name === 'data')?.volumes ?? [];
      if (volume) Object.assign(volume, { sha256: digestOf(bytes), sums: sums(bytes) });
    });
    const first = expectFailed(await runRestoreTest(copy, scratch()));
    expect(first).toMatchObject({ object: 'inventory', message: expect.stringMatching(/side objects of part data/) });
    expect(attacker.hasStruck()).toBe(false);
  });
});

test('an inventory that would not fit into memory is not read', async () => {
  const passphrase = await backUp({ 'public-key': '', passphrase: PASSPHRASE });
  const { copy, folder } = copyOf(passphrase);
  editManifest(folder, (manifest) => {
    const inventory = manifest.parts.find(({ name }) => name === 'inventory');
    const more = 2 ** 40;
    if (inventory) inventory.plain += more;
    manifest.totals.plain += more;
  });
  const result = await runRestoreTest(copy, scratch());
  expect(expectFailed(result)).toMatchObject({ object: 'inventory', message: expect.stringContaining('at most') });
});

describe('a side object is lost', () => {
  test('a restore test is red; a restore reads the part twice and brings everything back', async () => {
    const { copy, folder } = copyOf(kept);
    rmSync(join(folder, sumsFile('data', 0)));
    const first = expectFailed(await runRestoreTest(copy, { ...opened(), ...scratch() }));
    expect(first).toMatchObject({ object: 'data', message: expect.stringContaining('data.sums is missing') });
    const result = await restore(copy);
    expect(errorsOf(result)).toEqual([]);
    expect(result.log).toContain('Part data is read twice instead');
    expect(await server.psql(result.database, 'select count(*) from orders')).toBe('5000');
  });
});

function sumsOf(bytes: Uint8Array): Buffer {
  const digests = new RangeDigests();
  digests.update(bytes);
  return digests.finish();
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
