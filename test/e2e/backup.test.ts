import { copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { BackupReport } from '../../src/commands/backup/report.ts';
import { oneLine } from '../../src/report/escape.ts';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { gpg, people } from '../support/action/gnupg.ts';
import { type ActionResult, runPost } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import {
  createSampleDatabase,
  EMPTY_TABLES,
  ODD_NAMES,
  ODD_ROWS,
  SAMPLE_ROWS,
} from '../support/action/sample-database.ts';
import {
  filesBelow,
  newStoreFolder,
  readBackup,
  type StoredBackup,
  type StoreFolder,
  sha256,
} from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

const DATABASE = 'healthy';
const ROWS = Object.values(SAMPLE_ROWS).reduce((sum, rows) => sum + rows, 0);
const TABLES = Object.keys(SAMPLE_ROWS).length + EMPTY_TABLES.length;
const PARTS = ['schema', 'data', 'globals', 'inventory'];

let server: PostgresServer;
let store: StoreFolder;
let result: ActionResult;
let backup: StoredBackup;

beforeAll(async () => {
  server = await sharedPostgres();
  await createSampleDatabase(server, DATABASE);
  store = newStoreFolder();
  result = await runBackup(backupInputs(server, DATABASE, store));
  if (result.exitCode !== 0) throw new Error(result.log + JSON.stringify(result.annotations));
  backup = readBackup(store, DATABASE, result.outputs.id ?? '');
});

const totalOf = (sizes: number[]) => sizes.reduce((sum, size) => sum + size, 0);
const storedSize = ({ manifest }: StoredBackup) =>
  totalOf(manifest.parts.flatMap(({ volumes }) => volumes.map(({ size }) => size)));

const OF_OTHER_COMMANDS = ['verdict', 'restored-url', 'restore-time', 'backups', 'deleted'];

describe('a backup into a folder', () => {
  test('is green, says so in the log, and leaves nothing for post', async () => {
    expect(result).toMatchObject({ exitCode: 0, signal: null, stderr: '' });
    expect(errorsOf(result)).toEqual([]);
    expect(result.log).toMatch(
      new RegExp(
        `^Backup ${result.outputs.id} is complete: ${ROWS.toLocaleString('en-US')} rows in ${TABLES} tables, `,
        'm',
      ),
    );
    expect(JSON.parse(result.state.leftovers ?? '')).toEqual([]);
    expect(await runPost(result)).toMatchObject({ exitCode: 0, stdout: '', stderr: '', annotations: [] });
  });

  test('has every output that action.yml declares for it, and no other', () => {
    const { outputs } = parse(readFileSync(join(REPOSITORY, 'action.yml'), 'utf8'));
    const own = Object.keys(outputs).filter((name) => !OF_OTHER_COMMANDS.includes(name));
    expect(new Set(Object.keys(result.outputs))).toEqual(new Set(own));
    const { id, location, manifest, size, tables, rows, duration, report } = result.outputs;
    expect(id).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/);
    expect(location).toBe(`${store.url}/${DATABASE}/${id}`);
    expect(manifest).toBe(`${location}/manifest.json`);
    expect(Number(size)).toBe(storedSize(backup));
    expect(Number(result.outputs['database-size'])).toBeGreaterThan(5_000_000);
    expect({ tables, rows }).toEqual({ tables: String(TABLES), rows: String(ROWS) });
    expect(duration).toMatch(/^\d+$/);
    expect(Number(duration) * 1000).toBeLessThanOrEqual(result.duration + 500);
    expect(dirname(report ?? '')).toBe(result.runnerTemp);
  });

  test('consists of exactly the files of its format, which only their owner may read', () => {
    const files = [
      'data.dump.zst.gpg',
      'globals.sql.zst.gpg',
      'inventory.json.zst.gpg',
      'manifest.json',
      'schema.dump.zst.gpg',
    ];
    expect(filesBelow(store.path)).toEqual(files.map((file) => `${DATABASE}/${result.outputs.id}/${file}`));
    for (const file of files) expect(statSync(join(backup.folder, file)).mode & 0o777).toBe(0o600);
  });

  test('has a manifest that tells the truth of every volume', () => {
    const { manifest } = backup;
    expect(manifest.parts.map(({ name }) => name)).toEqual(PARTS);
    for (const { volumes } of manifest.parts) {
      expect(volumes.length).toBe(1);
      for (const { key, size, sha256: digest } of volumes) {
        const bytes = readFileSync(join(backup.folder, key));
        expect({ size, digest }).toEqual({ size: bytes.length, digest: sha256(bytes) });
      }
    }
    expect(manifest.totals).toEqual({
      plain: totalOf(manifest.parts.map(({ plain }) => plain)),
      stored: storedSize(backup),
    });
    expect(manifest).toMatchObject({
      format: 1,
      id: result.outputs.id,
      name: DATABASE,
      source: expect.stringMatching(/^[0-9a-f]{64}$/),
      database: DATABASE,
      serverVersion: expect.stringMatching(new RegExp(`^${server.major}\\.`)),
      clientVersion: expect.stringMatching(/^\d+\./),
      encryption: { kind: 'passphrase' },
      compression: { method: 'zstd', level: 1 },
      partial: null,
      notIncluded: ['Passwords of roles'],
      volumeSize: 8 * 1024 ** 3,
      uploaded: 'read-back',
      previous: null,
      noPrevious: 'first',
      lifeboat: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    const [created, finished] = [Date.parse(manifest.created), Date.parse(manifest.finished)];
    expect(manifest.id.startsWith(manifest.created.replace(/[-:]|\.\d+/g, ''))).toBe(true);
    expect(finished).toBeGreaterThanOrEqual(created);
    expect(Date.now() - finished).toBeLessThan(60_000);
  });

  test('is named, with the digest of its manifest, by the one that follows', async () => {
    const second = await runBackup(backupInputs(server, DATABASE, store));
    const { manifest } = readBackup(store, DATABASE, second.outputs.id ?? '');
    expect(manifest).toMatchObject({
      source: backup.manifest.source,
      previous: { id: backup.manifest.id, manifestSha256: backup.manifestSha256 },
      noPrevious: null,
    });
    expect(second.summary).toContain(backup.manifest.id);
    // The first is still there, untouched.
    expect(readBackup(store, DATABASE, backup.manifest.id)).toEqual(backup);
  });

  test('has a summary: sizes, time by stage, throughput, the largest tables, what is not in it', () => {
    const text = textOf(result.summary);
    for (const fact of [
      `✅ Backup ${result.outputs.id} is complete`,
      /Database healthy \([\d.]+ MB, PostgreSQL \d+/,
      /Stored [\d.]+ [kM]B \(dump [\d.]+ MB\)/,
      /Throughput [\d.]+ [kM]B\/s of dump/,
      `Rows ${ROWS.toLocaleString('en-US')}`,
      /Encrypted with a passphrase/,
      /Signed no/,
      /Previous backup.* none: this is the first/s,
      /Not in this backup\s+- Passwords of roles/,
    ]) {
      expect(text).toMatch(fact);
    }
    for (const stage of [
      'connect',
      'open stores',
      'lock and snapshot',
      'schema',
      'data',
      'globals',
      'inventory',
      'commit',
    ])
      expect(text).toMatch(new RegExp(`^ ${stage} [\\d.]+ m?s`, 'm'));
    for (const part of PARTS) expect(text).toMatch(new RegExp(`^ ${part} [\\d.]+ [kM]?B [\\d.]+ [kM]?B 1`, 'm'));
    for (const [table, rows] of [
      ['orders_2026', '4,000'],
      ['customers', '3,000'],
      ['orders_2025', '2,000'],
    ])
      expect(text).toMatch(new RegExp(`^ public\\.${table} ${rows} [\\d.]+ kB`, 'm'));
  });

  test('has a report as JSON that says the same', () => {
    const report = JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8')) as BackupReport;
    const { manifest } = backup;
    expect(report).toMatchObject({
      command: 'backup',
      id: manifest.id,
      name: DATABASE,
      database: DATABASE,
      created: manifest.created,
      finished: manifest.finished,
      databaseSize: Number(result.outputs['database-size']),
      plainSize: manifest.totals.plain,
      storedSize: manifest.totals.stored,
      tables: TABLES,
      rows: String(ROWS),
      largeObjects: '2',
      signed: false,
      notIncluded: ['Passwords of roles'],
      stores: [{ url: store.url, location: result.outputs.location, uploaded: 'read-back', error: null }],
    });
    for (const name of ODD_NAMES) {
      const table = { schema: 'public', name, rows: String(ODD_ROWS), bytes: expect.any(Number) };
      expect(report.largestTables).toContainEqual(table);
    }
  });
});

describe('names with a meaning to logs and summaries', () => {
  test('nothing in the log is taken for a command that is not ours', () => {
    expect(new Set(result.commands.map(({ name }) => name))).toEqual(new Set(['add-mask', 'warning']));
    expect(result.annotations.every(({ title }) => title === 'Lifeboat')).toBe(true);
    expect(result.log).not.toMatch(/^\s*::|##\[/m);
    expect(result.stdout).not.toMatch(CONTROL);
  });

  test('the summary shows every one of them, and none as markup', () => {
    const tags = new Set(result.summary.match(/<\/?[a-z!][^>\s]*/gi)?.map((tag) => tag.replace('/', '')));
    expect(tags).toEqual(new Set(['<table', '<tr', '<td', '<th', '<code']));
    expect(result.summary).not.toMatch(/<(img|script|b)\b/i);
    expect(result.summary).not.toMatch(/<[a-z]+\s/i);
    expect(result.summary).not.toMatch(/javascript:alert\(1\)\)|\]\(/);
    expect(result.summary).not.toMatch(CONTROL);
    const text = textOf(result.summary);
    for (const name of ODD_NAMES) expect(text).toContain(` public.${oneLine(name)} ${ODD_ROWS} `);
  });
});

/** Control characters, and marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** The summary as a reader sees it: a line for each row of a table, its cells parted by a space. */
function textOf(html: string): string {
  return html
    .replace(/<\/td><td>|<\/th><th>/g, ' ')
    .replace(/<tr>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
}

describe('a backup to two public keys, signed', () => {
  test('names the subkeys that decrypt, and gpg verifies the signature of its manifest', async () => {
    const { alice, bob, signer } = await people();
    const folder = newStoreFolder();
    const signed = await runBackup({
      ...backupInputs(server, DATABASE, folder),
      passphrase: '',
      'public-key': `${alice.publicKey}\n${bob.publicKey}`,
      'signing-key': signer.secretKey,
    });
    expect(signed).toMatchObject({ exitCode: 0 });
    const { manifest, files, folder: at } = readBackup(folder, DATABASE, signed.outputs.id ?? '');
    expect(files).toContain('manifest.json.asc');
    const subkeys = [alice.subkey, bob.subkey];
    expect(manifest.encryption).toEqual({ kind: 'public-key', recipients: subkeys });
    expect(textOf(signed.summary)).toMatch(new RegExp(`Encrypted for ${subkeys.join(', ')}`));
    expect(textOf(signed.summary)).toMatch(/Signed yes/);

    const verify = (file: string) =>
      gpg(signer.home, ['--status-fd', '1', '--verify', join(at, 'manifest.json.asc'), file]);
    expect(await verify(join(at, 'manifest.json'))).toMatch(new RegExp(`VALIDSIG ${signer.fingerprint}`));
    const forged = join(mkdtempSync(join(runFolder(), 'forged-')), 'manifest.json');
    copyFileSync(join(at, 'manifest.json'), forged);
    writeFileSync(forged, readFileSync(forged, 'utf8').replace('"format"', '"Format"'));
    await expect(verify(forged)).rejects.toThrow('BAD signature');
  });
});
