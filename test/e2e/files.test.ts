import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Inventory } from '../../src/formats/inventory/inventory.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import { type ActionInputs, type ActionResult, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import {
  filesBelow,
  newStoreFolder,
  pathOf,
  readBackup,
  type StoredBackup,
  type StoreFolder,
} from '../support/action/stored-backup.ts';
import { type Made, makeTree, newFolder } from '../support/data/made-tree.ts';
import { execute } from '../support/servers/execute.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/* File trees beside the database: backed up, read by hand, proven. */
const DATABASE = 'files_shop';

const UPLOADS: Made = {
  'avatars/1.png': 'one',
  'avatars/2 ü\n.png': 'two',
  'cache/big': 'left out',
  latest: { to: 'avatars/1.png' },
  empty: null,
};

let server: PostgresServer;
let uploads: string;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create table users (id int primary key, avatar text);
    insert into users values (1, 'avatars/1.png'), (2, E'avatars/2 ü\\n.png'), (3, null)`,
  );
  uploads = makeTree(UPLOADS);
  chmodSync(join(uploads, 'avatars/1.png'), 0o640);
});

const byHand = () => ({ home: newGnupgHome(), passphrase: PASSPHRASE });

interface Stored {
  store: StoreFolder;
  result: ActionResult;
  backup: StoredBackup;
}

async function backUp(inputs: ActionInputs = {}): Promise<Stored> {
  const store = newStoreFolder();
  const paths = { paths: `uploads=${uploads}`, 'paths-exclude': 'cache/**' };
  const result = await runBackup({ ...backupInputs(server, DATABASE, store), ...paths, ...inputs });
  expect(errorsOf(result)).toEqual([]);
  return { store, result, backup: readBackup(store, DATABASE, result.outputs.id ?? '') };
}

/** The tree as it must come back. */
async function expected(): Promise<string> {
  const folder = newFolder();
  await execute('cp', ['-a', `${uploads}/.`, folder]);
  rmSync(join(folder, 'cache'), { recursive: true });
  return folder;
}

describe('a backup with a file tree', () => {
  let made: Stored;

  beforeAll(async () => {
    await execute('mkfifo', [join(uploads, 'pipe')]);
    made = await backUp();
    rmSync(join(uploads, 'pipe'));
  });

  test('has a part of its own, told in numbers in the manifest, and by name to the one who runs it', async () => {
    const { manifest, files } = made.backup;
    expect(files).toContain('files-uploads.tar.zst.gpg');
    expect(manifest.parts.map(({ name }) => name)).toEqual(['schema', 'data', 'globals', 'files-uploads', 'inventory']);
    const counts = { files: 2, folders: 3, links: 1, bytes: 6 };
    expect(manifest.files).toEqual([{ label: 'uploads', ...counts, changed: 0, vanished: 0, special: 1 }]);
    expect(manifest.notIncluded).toEqual(
      expect.arrayContaining([
        'Access lists and extended attributes of files',
        'Files that paths-exclude leaves out (1 glob)',
      ]),
    );
    expect(JSON.stringify(manifest)).not.toMatch(/avatars|pipe|cache/);
    const notice = 'File tree uploads: left out, for they are sockets, pipes or devices: 1 ("pipe").';
    expect(made.result.annotations).toContainEqual(expect.objectContaining({ kind: 'notice', message: notice }));
    expect(made.result.summary).toMatch(
      /### File trees[\s\S]*uploads[\s\S]*2 files in 3 folders, 1 link, 6 B[\s\S]*pipe/,
    );
    const inventory = await readByHand(pathOf(made.backup, 'inventory'), byHand());
    expect((JSON.parse(inventory) as Inventory).files).toEqual([
      expect.objectContaining({
        label: 'uploads',
        ...counts,
        special: { count: 1, first: ['pipe'] },
        excluded: ['cache/**'],
      }),
    ]);
  });

  test('is unpacked by hand with cat, gpg, zstd and tar', async () => {
    const into = newFolder();
    const reader = { ...byHand(), into: `tar -x -p -C '${into}'` };
    expect(await readByHand(pathOf(made.backup, 'files-uploads'), reader)).toBe('');
    await execute('diff', ['-r', '--no-dereference', await expected(), into]);
    expect(await execute('stat', ['-c', '%a', join(into, 'avatars/1.png')])).toBe('640\n');
  });

  test('is proven by a restore test, which reads the whole archive, and finds every file that the database names', async () => {
    const many = "select avatar from users union all select 'avatars/1.png' from generate_series(1, 12000)";
    const result = await runRestoreTest(made.store, { 'file-references': `uploads: ${many}` });
    expectProven(result);
    expect(result.report.verified).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^File tree uploads: 2 files, 3 folders, 1 link, 6 bytes, by a digest of names/),
        'File tree uploads: every file that the database names is in it, 12,002 in all',
        expect.stringMatching(/^5 parts:/),
      ]),
    );
    expect(result.summary).toContain('File tree uploads: 2 files');
  });

  test('is listed and checked like any other', async () => {
    const result = await runBackup({
      command: 'check',
      store: made.store.url,
      passphrase: PASSPHRASE,
      'max-age': '1h',
    });
    expect(errorsOf(result)).toEqual([]);
    expect(result.log).toMatch(/5 files of 1 backup are there, of the right size/);
  });

  test('a query that fails, and a label that the backup does not have, are findings', async () => {
    const failing = 'uploads: select nothing from users\nelsewhere: select avatar from users';
    const result = await runRestoreTest(made.store, { 'file-references': failing });
    expectFailed(result);
    expect(result.report.findings.map(({ object, message }) => `${object}: ${message}`)).toEqual([
      expect.stringMatching(/^elsewhere: The backup has no file tree of this label/),
      expect.stringMatching(/^uploads: Its query failed: .*column "nothing" does not exist/),
    ]);
  });

  test('whose archive is missing is red for check and for the restore test', async () => {
    rmSync(pathOf(made.backup, 'files-uploads'));
    const without = await runBackup({ command: 'check', store: made.store.url, passphrase: PASSPHRASE });
    expect(errorsOf(without)[0]?.message).toMatch(/files-uploads\.tar\.zst\.gpg/);
    const first = expectFailed(await runRestoreTest(made.store));
    expect(first).toMatchObject({ kind: 'part', object: 'files-uploads' });
  });
});

test('a file that the database names was left out: the restore test fails and names it', async () => {
  const { store } = await backUp({ 'paths-exclude': '**/1.png' });
  const first = expectFailed(await runRestoreTest(store, { 'file-references': 'uploads: select avatar from users' }));
  expect(first).toMatchObject({
    kind: 'file reference',
    object: 'uploads',
    message: 'Not in the tree are 1 of the 2 files that the database names: "avatars/1.png".',
  });
});

describe('restored with the database', () => {
  let stored: Stored;

  beforeAll(async () => {
    const large = makeTree({ 'a file': 'x' });
    writeFileSync(join(large, 'a large file'), randomBytes(20_000_000));
    stored = await backUp({ paths: `uploads=${uploads}\nlarge=${large}` });
  });

  const restore = (inputs: ActionInputs) =>
    runBackup({
      command: 'restore',
      'database-url': server.url(DATABASE),
      confirm: DATABASE,
      store: stored.store.url,
      passphrase: PASSPHRASE,
      ...inputs,
    });

  afterEach(() => server.dropDatabase(`${DATABASE}_restored_${stored.backup.manifest.id}`));

  test('files-to unpacks what was stored, with modes and times, below the label', async () => {
    const into = join(newFolder(), 'restored');
    const result = await restore({ 'files-to': into });
    expect(errorsOf(result)).toEqual([]);
    expect(result.outputs.verdict).toBe('proven');
    expect(result.log).toContain(`Its file trees are unpacked in ${JSON.stringify(into)}.`);
    await execute('diff', ['-r', '--no-dereference', await expected(), join(into, 'uploads')]);
    const facts = ['-mindepth', '1', '-printf', '%P %y %m %U %G %Ts\\n'];
    const listing = async (folder: string) => (await execute('find', [folder, ...facts])).split('\n').sort();
    expect(await listing(join(into, 'uploads'))).toEqual(await listing(await expected()));
  });

  test('without it the files are left alone, and the summary says how to get them', async () => {
    flipBit(stored.backup); // It is not needed for this.
    const result = await restore({});
    expect(errorsOf(result)).toEqual([]);
    expect(result.outputs.verdict).toBe('proven');
    expect(result.log).toMatch(
      /Leaves file tree uploads .*files-uploads\.tar\.zst\.gpg\* \| gpg -d \| zstd -d \| tar -x -p/,
    );
    expect(result.summary).toMatch(/Not verified[\s\S]*File tree uploads: its archive was not read/);
  });

  test('an archive that is damaged ends the restore, the live database untouched, and what was unpacked is named', async () => {
    const into = join(newFolder(), 'restored');
    const result = await restore({ 'files-to': into, replace: 'true' });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^Part files-large: .* What was unpacked of file tree large is in ".*\/restored\/large"; it is not whole\. What was restored is in database/,
        ),
      }),
    ]);
    expect(readdirSync(join(into, 'large'))).toContain('a file');
    expect(await server.psql(DATABASE, 'select count(*) from users')).toBe('3');
    expect(
      await server.psql('postgres', `select count(*) from pg_database where datname like '${DATABASE}_before%'`),
    ).toBe('0');
  });
});

/** Of what is read last of the archive: what there was has been unpacked by then. */
function flipBit(backup: StoredBackup): void {
  const path = pathOf(backup, 'files-large');
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 10) ^ 1, bytes.length - 10);
  writeFileSync(path, bytes);
}

test('a dry run says what a tree holds, and stores nothing', async () => {
  const store = newStoreFolder();
  const inputs = { ...backupInputs(server, DATABASE, store), paths: `uploads=${uploads}`, 'dry-run': 'true' };
  const result = await runBackup(inputs);
  expect(errorsOf(result)).toEqual([]);
  expect(result.log).toContain(
    `[dry-run] would store file tree uploads, ${JSON.stringify(uploads)}: 3 files in 4 folders, 1 link, 14 B`,
  );
  expect(filesBelow(store.path)).toEqual([]);
});

test('a folder without files is an error before anything is dumped, unless it is allowed', async () => {
  const store = newStoreFolder();
  const inputs = { ...backupInputs(server, DATABASE, store), paths: `uploads=${makeTree({ empty: null })}` };
  const result = await runBackup(inputs);
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/^paths: uploads: there is no file in ".*allow-empty: true/),
    }),
  ]);
  expect(filesBelow(store.path)).toEqual([]);
  expect((await runBackup({ ...inputs, 'allow-empty': 'true' })).exitCode).toBe(0);
});

test('cancelled while a tree is read: it ends at once, and nothing is left in the store', async () => {
  const large = makeTree({ large: '' });
  truncateSync(join(large, 'large'), 2_000 * 1024 ** 3); // Zeros without an end, for the time of a test.
  const store = newStoreFolder();
  const run = startAction({ ...backupInputs(server, DATABASE, store), paths: `large=${large}` });
  await run.waitFor(() => filesBelow(store.path).some((file) => file.includes('files-large')));
  await run.cancel();
  const result = await run.finished;
  expect(result).toMatchObject({ exitCode: 1, signal: null });
  expect(errorsOf(result)).toEqual([expect.objectContaining({ message: expect.stringContaining('files-large') })]);
  expect(filesBelow(store.path)).toEqual([]);
});
