import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Manifest } from '../../src/formats/manifest.ts';
import { type PartName, partFiles, volumeFile } from '../../src/formats/names.ts';
import { type Person, people } from '../support/action/gnupg.ts';
import type { ActionInputs } from '../support/action/harness.ts';
import { backupInputs, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest, type TestedBackup } from '../support/action/run-restore-test.ts';
import { newStoreFolder, readBackup, type StoredBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/*
 * What was stored is changed by somebody or something: no restore test may take it for what was dumped, and what it finds
 * first must name what was changed.
 */
const DATABASE = 'damaged';
const PARTS = Object.keys(partFiles) as PartName[];

interface Kept {
  store: StoreFolder;
  backup: StoredBackup;
}

let server: PostgresServer;
let alice: Person;
let bob: Person;
let signer: Person;
let kept: Kept;
/** Another backup of the same database, with the same passphrase. */
let other: Kept;
let signed: Kept;

beforeAll(async () => {
  server = await sharedPostgres();
  ({ alice, bob, signer } = await people());
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create table orders (id int primary key, what text);
    insert into orders select n, md5(n::text) from generate_series(1, 2000) n`,
  );
  kept = await backUp();
  other = await backUp();
  signed = await backUp({ passphrase: '', 'public-key': alice.publicKey, 'signing-key': signer.secretKey });
});

async function backUp(inputs: ActionInputs = {}, database = DATABASE): Promise<Kept> {
  const store = newStoreFolder();
  const result = await runBackup({ ...backupInputs(server, database, store), name: DATABASE, ...inputs });
  expect(result).toMatchObject({ exitCode: 0 });
  return { store, backup: readBackup(store, DATABASE, result.outputs.id ?? '') };
}

/** Does something to a copy of a backup's folder, then tests the copy. The server that is there saves making one. */
async function testAfter(
  { store, backup }: Kept,
  change: (folder: string) => void,
  inputs: ActionInputs = {},
): Promise<TestedBackup> {
  const copy = newStoreFolder();
  cpSync(store.path, copy.path, { recursive: true });
  change(join(copy.path, DATABASE, backup.manifest.id));
  return await runRestoreTest(copy, { 'scratch-url': server.url('postgres'), ...inputs });
}

function flip(file: string, place: (size: number) => number): void {
  const bytes = readFileSync(file);
  const at = place(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ 0x01;
  writeFileSync(file, bytes);
}

function editManifest(folder: string, edit: (manifest: Manifest) => void): void {
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  edit(manifest);
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The other backup's file in place of this one's, and, when whoever did it was thorough, in the manifest too. */
function swap(folder: string, part: PartName, { thorough }: { thorough: boolean }): void {
  cpSync(join(other.backup.folder, volumeFile(part, 0)), join(folder, volumeFile(part, 0)));
  if (!thorough) return;
  editManifest(folder, (manifest) => {
    const theirs = partOf(other.backup.manifest, part);
    manifest.parts = manifest.parts.map((mine) => (mine.name === part ? theirs : mine));
    manifest.totals = totalsOf(manifest);
  });
}

const DAMAGES: { title: string; change: (file: string) => void; says: RegExp }[] = [
  { title: 'one bit flipped in the first byte', change: (file) => flip(file, () => 0), says: /sha256|changed/ },
  {
    title: 'one bit flipped in the middle',
    change: (file) => flip(file, (size) => size >> 1),
    says: /sha256|changed/,
  },
  {
    title: 'one bit flipped in the last byte',
    change: (file) => flip(file, (size) => size - 1),
    says: /sha256|changed/,
  },
  {
    title: 'truncated',
    change: (file) => truncateSync(file, readFileSync(file).length - 1),
    says: /has \d+ bytes, the manifest says \d+/,
  },
  { title: 'missing', change: (file) => rmSync(file), says: /is missing/ },
];

test('unchanged, all three are proven', async () => {
  for (const backup of [kept, other]) expectProven(await testAfter(backup, () => {}));
  expectProven(await testAfter(signed, () => {}, opened()));
});

describe.each(PARTS)('the part %s', (part) => {
  test.each(DAMAGES)('$title', async ({ change, says }) => {
    const first = expectFailed(await testAfter(kept, (folder) => change(join(folder, volumeFile(part, 0)))));
    expect(first).toMatchObject({ kind: 'part', object: part, message: expect.stringMatching(says) });
  });
});

test('a bit flipped where the passphrase opens the message is damage, and no wrong passphrase', async () => {
  const first = expectFailed(await testAfter(kept, (folder) => flip(join(folder, partFiles.inventory), () => 8)));
  expect(first).toMatchObject({ kind: 'part', object: 'inventory', message: expect.stringContaining('sha256') });
});

describe("another backup's part in its place", () => {
  test.each(['data', 'inventory'] as const)('%s', async (part) => {
    const first = expectFailed(await testAfter(kept, (folder) => swap(folder, part, { thorough: false })));
    expect(first).toMatchObject({ kind: 'part', object: part });
  });

  test.each(['data', 'inventory'] as const)('%s, and the manifest says so too', async (part) => {
    const first = expectFailed(await testAfter(kept, (folder) => swap(folder, part, { thorough: true })));
    expect(`${first.object}: ${first.message}`).toContain(part);
  });
});

describe('the manifest', () => {
  const edits: [title: string, edit: (manifest: Manifest) => void][] = [
    ['another id', (manifest) => Object.assign(manifest, { id: '20260101T000000Z-00000000' })],
    ['another set', (manifest) => Object.assign(manifest, { name: 'somebody-elses' })],
    ['another total', (manifest) => Object.assign(manifest.totals, { plain: manifest.totals.plain + 1 })],
    ['another database', (manifest) => Object.assign(manifest, { database: 'another' })],
    ['another version of the server', (manifest) => Object.assign(manifest, { serverVersion: '14.1' })],
    ['another size of a part', (manifest) => Object.assign(partOf(manifest, 'data'), { plain: 1 })],
    ['another size of a part, and the total with it', (manifest) => grow(manifest, 'data')],
    ['a part left out', (manifest) => leaveOut(manifest, 'globals')],
    [
      'said to be partial, so that less would be missed',
      (manifest) => {
        manifest.partial = ['--table=public.orders'];
      },
    ],
  ];

  test.each(edits)('%s', async (_, edit) => {
    const first = expectFailed(await testAfter(kept, (folder) => editManifest(folder, edit)));
    expect(`${first.object}: ${first.message}`).toContain('manifest');
  });

  test('that is no JSON any more', async () => {
    const first = expectFailed(await testAfter(kept, (folder) => truncateSync(join(folder, 'manifest.json'), 100)));
    expect(first).toMatchObject({ kind: 'manifest', object: 'manifest.json' });
  });

  test('of which nothing is left: that is no backup', async () => {
    const lost = testAfter(kept, (folder) => rmSync(join(folder, 'manifest.json')));
    await expect(lost).rejects.toThrow(/There is no backup to use/);
  });
});

function partOf({ parts }: Manifest, name: PartName): Manifest['parts'][number] {
  const part = parts.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part ${name}`);
  return part;
}

function grow(manifest: Manifest, name: PartName): void {
  partOf(manifest, name).plain += 1;
  manifest.totals.plain += 1;
}

function leaveOut(manifest: Manifest, name: PartName): void {
  const part = partOf(manifest, name);
  manifest.parts = manifest.parts.filter((other) => other !== part);
  manifest.totals = totalsOf(manifest);
}

function totalsOf({ parts }: Manifest): Manifest['totals'] {
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    plain: sum(parts.map(({ plain }) => plain)),
    stored: sum(parts.flatMap(({ volumes }) => volumes.map(({ size }) => size))),
  };
}

/** What opens a backup for alice, and demands that the signer has signed it. */
function opened(): ActionInputs {
  return { 'private-key': alice.secretKey, 'verification-key': signer.publicKey };
}

describe('with verification-key', () => {
  test.each<[title: string, change: (folder: string) => void, says: RegExp]>([
    ['a signature that is gone', (folder) => rmSync(join(folder, 'manifest.json.asc')), /it is not signed/],
    [
      'a signature over other bytes',
      (folder) => writeFileSync(join(folder, 'manifest.json'), `${readFileSync(join(folder, 'manifest.json'))} `),
      /digest did not match/,
    ],
    ['a signature that is none', (folder) => writeFileSync(join(folder, 'manifest.json.asc'), 'none'), /armor/i],
  ])('%s', async (_, change, says) => {
    const first = expectFailed(await testAfter(signed, change, opened()));
    expect(first).toMatchObject({ kind: 'manifest', object: 'manifest.json', message: expect.stringMatching(says) });
    expect(first.message).toContain('Nothing of this backup was restored');
  });

  test('a signature by another key', async () => {
    const first = expectFailed(await testAfter(signed, () => {}, { ...opened(), 'verification-key': bob.publicKey }));
    expect(first).toMatchObject({ kind: 'manifest', object: 'manifest.json' });
  });
});

describe('what is given does not open it', () => {
  test('another passphrase', async () => {
    const first = expectFailed(await testAfter(kept, () => {}, { passphrase: 'not the passphrase that made it' }));
    expect(first).toMatchObject({
      kind: 'key',
      object: 'inventory',
      message: expect.stringMatching(/passphrase does not open it/),
    });
  });

  test('another private key', async () => {
    const first = expectFailed(await testAfter(signed, () => {}, { ...opened(), 'private-key': bob.secretKey }));
    expect(first).toMatchObject({
      kind: 'key',
      object: 'inventory',
      message: expect.stringMatching(/None of the private keys opens it/),
    });
  });
});

/*
 * With a public key alone nothing secret goes into a backup, so whoever can write the store can make one: of a database
 * of their own, whole and consistent in itself. No restore test can tell; a signature does.
 */
describe('a whole backup forged by somebody who can write the store', () => {
  const FORGED = 'damaged_forged';
  let forged: Kept;

  beforeAll(async () => {
    await server.createDatabase(FORGED);
    await server.psql(
      FORGED,
      "create table orders (id int primary key, what text); insert into orders values (1, 'x')",
    );
    forged = await backUp({ passphrase: '', 'public-key': alice.publicKey }, FORGED);
  });

  test('cannot be told without verification-key, and the verdict says what was not verified', async () => {
    const result = await testAfter(forged, () => {}, { 'private-key': alice.secretKey });
    expectProven(result);
    expect(result.report.notVerified).toContainEqual(expect.stringContaining('Who made the backup'));
    expect(result.summary).toContain('Who made the backup');
  });

  test('is found with it', async () => {
    const first = expectFailed(await testAfter(forged, () => {}, opened()));
    expect(first).toMatchObject({ kind: 'manifest', message: expect.stringContaining('it is not signed') });
  });
});
