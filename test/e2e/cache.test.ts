import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { partFiles } from '../../src/formats/names.ts';
import {
  type ActionInputs,
  type ActionOptions,
  type RunningAction,
  runPost,
  startAction,
} from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest, type TestedBackup } from '../support/action/run-restore-test.ts';
import { scanProcesses } from '../support/action/scan-processes.ts';
import {
  filesBelow,
  newStoreFolder,
  readBackup,
  type StoredBackup,
  type StoreFolder,
} from '../support/action/stored-backup.ts';
import { processesOf } from '../support/faults/rig.ts';
import { HANG_LIMIT } from '../support/hang-limit.ts';
import {
  type ActionsCache,
  type CacheEntry,
  type CacheFault,
  startActionsCache,
} from '../support/servers/actions-cache.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { commandLine, waitUntilGone } from '../support/servers/processes.ts';
import { runFolder } from '../support/servers/run.ts';

const DATABASE = 'cached';
const ROW = 'a row that nobody may read in the cache';
const VOLUMES = Object.values(partFiles).sort();

let server: PostgresServer;
let cache: ActionsCache;
let original: StoreFolder;
let backup: StoredBackup;
/** What the cache has after a first test. */
let entry: CacheEntry;

beforeAll(async () => {
  [server, cache] = await Promise.all([sharedPostgres(), startActionsCache()]);
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, `create table t as select n, '${ROW}' as text from generate_series(1, 5000) n`);
  original = newStoreFolder();
  backup = readBackup(original, DATABASE, await backUp(original));
});

afterAll(() => cache.stop());

async function backUp(store: StoreFolder): Promise<string> {
  const result = await runBackup(backupInputs(server, DATABASE, store));
  expect(errorsOf(result)).toEqual([]);
  return result.outputs.id ?? '';
}

/** The same backup in a store of its own, which a test may break. */
function copyOf(store: StoreFolder): StoreFolder {
  const copy = newStoreFolder();
  cpSync(store.path, copy.path, { recursive: true });
  return copy;
}

function testCached(store: StoreFolder, inputs: ActionInputs = {}, options: ActionOptions = {}): Promise<TestedBackup> {
  const env = { ...cache.env, ...options.env };
  return runRestoreTest(
    store,
    { cache: 'true', 'scratch-url': server.url('postgres'), ...inputs },
    { ...options, env },
  );
}

/** Every volume of the backup is gone from the store: who reads them has them from elsewhere. */
function withoutVolumes(store: StoreFolder): StoreFolder {
  const copy = copyOf(store);
  const folder = join(copy.path, DATABASE, backup.manifest.id);
  for (const name of VOLUMES) rmSync(join(folder, name));
  return copy;
}

function recordsIn(store: StoreFolder): string[] {
  return filesBelow(store.path).filter((file) => /restore-tests\/[^/]*\.json$/.test(file));
}

/** What is said of the cache, and nothing else is. */
function noticesOf({ annotations }: TestedBackup): string[] {
  for (const annotation of annotations) expect(annotation).toMatchObject({ kind: 'notice', title: 'Lifeboat' });
  return annotations.map(({ message }) => message);
}

function expectNothingLeft(result: TestedBackup): void {
  expect(filesBelow(result.runnerTemp)).toEqual([`lifeboat-restore-test-${result.report.id}.json`]);
  expect(filesBelow(result.workspace)).toEqual([]);
  expect(processesOf(result).map(commandLine)).toEqual([]);
  expect(JSON.parse(result.state.leftovers ?? '[]')).toEqual([]);
}

function newFolder(): string {
  return mkdtempSync(join(runFolder(), 'entry-'));
}

function unpacked(archive: Buffer): string {
  const folder = newFolder();
  execFileSync('tar', ['--use-compress-program=unzstd', '-x', '-C', folder], { input: archive });
  return folder;
}

describe('the first test keeps the parts, the second has them from the cache', () => {
  let first: TestedBackup;
  let firstStore: StoreFolder;
  let second: TestedBackup;
  let secondStore: StoreFolder;
  const scan = { leaks: [''], programs: '', environments: '' };

  beforeAll(async () => {
    const path = recordingTar();
    const scanning = scanProcesses([PASSPHRASE, cache.env.ACTIONS_RUNTIME_TOKEN ?? '']);
    firstStore = copyOf(original);
    first = await testCached(firstStore, {}, { env: { PATH: path.value } });
    entry = { ...(cache.entries[0] as CacheEntry) };
    secondStore = withoutVolumes(original);
    second = await testCached(secondStore, { 'max-restore-time': '0s' }, { env: { PATH: path.value } });
    const { leaks, programs } = await scanning.stop();
    Object.assign(scan, { leaks, programs: programs.join('\n'), environments: readFileSync(path.recorded, 'utf8') });
  });

  /** A PATH whose tar writes down its environment, and then is tar. */
  function recordingTar(): { value: string; recorded: string } {
    const folder = newFolder();
    const recorded = join(folder, 'environment');
    writeFileSync(join(folder, 'tar'), `#!/bin/sh\nenv >> '${recorded}'\nexec /bin/tar "$@"\n`);
    chmodSync(join(folder, 'tar'), 0o755);
    return { value: `${folder}:${process.env.PATH}`, recorded };
  }

  test('both are proven, and nothing is left of them', () => {
    for (const result of [first, second]) {
      expectProven(result);
      expect(noticesOf(result)).toEqual([]);
      expectNothingLeft(result);
    }
    expect(cache.requests.slice(0, 4)).toEqual([
      'GetCacheEntryDownloadURL',
      'CreateCacheEntry',
      'upload',
      'FinalizeCacheEntryUpload',
    ]);
    expect(cache.entries).toHaveLength(1);
  });

  test('the second has read nothing of the store but the manifest: the parts are not even there', () => {
    const stored = backup.manifest.totals.stored;
    expect([first.report.cachedSize, second.report.cachedSize]).toEqual([0, stored]);
    expect(second.summary).toContain('From the Actions cache');
  });

  test("so it says that the store's own copy was not looked at, nor the time to restore, and keeps no record", () => {
    expect(second.report.missed).toEqual([]);
    expect(second.report.notVerified).toContainEqual(expect.stringMatching(/^The copy in file:.*no record is kept/));
    expect(second.report.notVerified).toContainEqual(expect.stringMatching(/^The time to restore: /));
    expect(first.report.notVerified).not.toContainEqual(expect.stringMatching(/^The copy in |^The time to restore/));
    expect([recordsIn(firstStore).length, recordsIn(secondStore)]).toEqual([1, []]);
  });

  test('what is kept is what is in the store, encrypted, and nothing else', () => {
    const folder = unpacked(entry.archive as Buffer);
    expect(filesBelow(folder)).toEqual(VOLUMES);
    for (const name of VOLUMES) {
      expect(readFileSync(join(folder, name)).equals(readFileSync(join(backup.folder, name)))).toBe(true);
      expect(readFileSync(join(folder, name), 'latin1')).not.toContain(ROW);
    }
  });

  test('its key is of this backup and of this manifest', () => {
    expect(entry.key).toBe(`lifeboat-${DATABASE}-${backup.manifest.id}-${backup.manifestSha256}`);
  });

  test('no secret is on a command line, and tar has none in its environment', () => {
    expect(scan.programs).toMatch(/tar/);
    expect(scan.leaks).toEqual([]);
    expect(scan.environments).toContain('TAR_OPTIONS=--no-same-owner');
    expect(scan.environments).not.toMatch(/^INPUT_|GITHUB_EVENT/m);
    expect(scan.environments).not.toContain(PASSPHRASE);
  });
});

test('another backup of the same database has an entry of its own, and is not read from that of the first', async () => {
  cache.reset();
  cache.entries.push({ ...entry });
  const store = newStoreFolder();
  await backUp(store);
  const result = await testCached(store);
  expectProven(result);
  expect(result.report.cachedSize).toBe(0);
  const [one = '', two = '', ...others] = cache.entries.map(({ key }) => key);
  expect(others).toEqual([]);
  expect([one.startsWith(two), two.startsWith(one)]).toEqual([false, false]);
});

test('a test that fails keeps nothing', async () => {
  cache.reset();
  expectFailed(await testCached(original, { assertions: '- {name: a lie, sql: select 1, expect: {equals: 2}}' }));
  expect(cache.entries).toEqual([]);
});

describe('A10: an entry that is not what was kept: proven from the store, and a notice', () => {
  beforeEach(() => {
    cache.reset();
  });

  /** What tar makes of the folder's contents, or of these names with `--transform` and the like. */
  function packed(folder: string, ...args: string[]): Buffer {
    const names = args.length > 0 ? args : readdirSync(folder);
    return execFileSync('tar', ['--use-compress-program=zstd', '-c', '-P', '-C', folder, ...names]);
  }

  async function testWith(archive: Buffer): Promise<{ result: TestedBackup; notice: string }> {
    cache.entries.push({ ...entry, archive });
    const result = await testCached(original);
    expectProven(result);
    expectNothingLeft(result);
    const [notice = '', ...others] = noticesOf(result);
    expect(others).toEqual([]);
    // Nor can it be written over.
    expect(cache.requests).not.toContain('CreateCacheEntry');
    return { result, notice };
  }

  function flip(file: string): void {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes.at(bytes.length >> 1) ?? 0) ^ 1;
    writeFileSync(file, bytes);
  }

  test.each<[title: string, change: (folder: string) => void, bad: number]>([
    ['one bit of the data is another', (folder) => flip(join(folder, partFiles.data)), 1],
    ['a link in the place of each part', linkParts, 4],
  ])('%s', async (_, change, bad) => {
    const folder = unpacked(entry.archive as Buffer);
    change(folder);
    const { result, notice } = await testWith(packed(folder));
    expect(notice).toMatch(new RegExp(`^cache: ${bad} of 4 volumes are missing in entry .*delete it`));
    expect(result.report.cachedSize > 0).toBe(bad < 4);
  });

  function linkParts(folder: string): void {
    for (const name of VOLUMES) {
      rmSync(join(folder, name));
      symlinkSync(join(backup.folder, name), join(folder, name));
    }
  }

  test('it is cut', async () => {
    const { result, notice } = await testWith((entry.archive as Buffer).subarray(0, -10));
    expect(notice).toMatch(/^cache: the parts are read from the store, for the Actions cache cannot be used: /);
    expect(result.report.cachedSize).toBe(0);
    expect(recordsIn(original).at(-1)).toMatch(/-proven\.json$/);
  });

  test('one that would write over files elsewhere does not, by no way that tar knows', async () => {
    const outside = newFolder();
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), 'planted');
    symlinkSync(outside, join(folder, 'link'));
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'real', 'through'), 'planted');
    const archive = packed(
      folder,
      ...[`--transform=s,^file$,${outside}/absolute,`, 'file'],
      ...['--transform=s,^real/,link/,', 'link', 'real/through'],
    );
    const climbing = `${'../'.repeat(12)}${outside.slice(1)}/climbed`;
    const { notice } = await testWith(appended(archive, packed(folder, `--transform=s,^file$,${climbing},`, 'file')));
    expect(notice).toContain('4 of 4 volumes are missing');
    expect(readdirSync(outside)).toEqual([]);
  });

  /** Two archives in one: the blocks of zeros between them are what `--concatenate` removes. */
  function appended(one: Buffer, two: Buffer): Buffer {
    const folder = newFolder();
    const [a, b] = [join(folder, 'a.tar'), join(folder, 'b.tar')] as const;
    writeFileSync(a, execFileSync('unzstd', ['-c'], { input: one }));
    writeFileSync(b, execFileSync('unzstd', ['-c'], { input: two }));
    execFileSync('tar', ['--concatenate', '-P', '-f', a, b]);
    return execFileSync('zstd', ['-c', a]);
  }

  test('tar by itself would: the archive of the test before is a real one', () => {
    const outside = newFolder();
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), 'planted');
    const archive = packed(folder, `--transform=s,^file$,${outside}/absolute,`, 'file');
    execFileSync('tar', ['--use-compress-program=unzstd', '-x', '-P', '-C', folder], { input: archive });
    expect(readdirSync(outside)).toEqual(['absolute']);
  });
});

describe('A10: a cache that does not do its work', () => {
  const answers = { look: 'GetCacheEntryDownloadURL', create: 'CreateCacheEntry' } as const;
  const unused = /^cache: the parts are read from the store, for the Actions cache cannot be used: /;
  const notKept = /^cache: the parts are not kept, for the Actions cache cannot be used: /;
  const late = /it took longer than 1\d\.0 s\.$/;

  const cases: {
    title: string;
    faults?: ActionsCache['faults'];
    env?: Record<string, string>;
    /** The entry is there. */
    hit?: boolean;
    says: RegExp[];
  }[] = [
    { title: 'answers 500', faults: { [answers.look]: 500 }, says: [unused, late] },
    { title: 'never answers', faults: { [answers.look]: 'hangs' }, says: [unused, late] },
    { title: 'never sends the archive', faults: { download: 'hangs' }, hit: true, says: [unused, late] },
    { title: 'never takes the archive', faults: { upload: 'hangs' }, says: [notKept, late] },
    { title: 'refuses the archive', faults: { upload: 403 }, says: [notKept, /403|fault/] },
    { title: 'has made the entry for another run', faults: { [answers.create]: 409 }, says: [] },
    { title: 'is not there', env: { ACTIONS_RESULTS_URL: '' }, says: [unused, /this runner offers none\.$/] },
  ];
  /** All at once, for they wait most of the time. */
  let results: { result: TestedBackup; requests: string[] }[];

  beforeAll(async () => {
    results = await Promise.all(cases.map(runCase));
  });

  async function runCase({ faults = {}, env = {}, hit }: (typeof cases)[number]) {
    const own = await startActionsCache();
    own.faults = faults as Record<string, CacheFault>;
    if (hit) own.entries.push({ ...entry });
    try {
      const result = await testCached(original, {}, { env: { ...own.env, ...env }, cancelAfter: HANG_LIMIT });
      return { result, requests: own.requests };
    } finally {
      await own.stop();
    }
  }

  test.each(cases.map(({ title, says }, index) => [title, says, index] as const))('%s', (_, says, index) => {
    const { result, requests } = results[index] as (typeof results)[number];
    expectProven(result);
    const notices = noticesOf(result);
    expect(notices).toHaveLength(says.length === 0 ? 0 : 1);
    for (const words of says) expect(notices[0]).toMatch(words);
    expect(notices.join()).not.toContain('sig=');
    expectNothingLeft(result);
    // It waits once, not at both ends.
    if (says[0] === unused) expect(requests).not.toContain('CreateCacheEntry');
    expect(result.report.cachedSize).toBe(0);
  });
});

describe('ended while the cache hangs', () => {
  async function hanging(): Promise<RunningAction> {
    cache.reset();
    cache.faults = { GetCacheEntryDownloadURL: 'hangs' };
    const inputs = { command: 'restore-test', store: original.url, passphrase: PASSPHRASE, cache: 'true' };
    const run = startAction(inputs, { env: cache.env });
    await run.waitFor(() => cache.requests.length > 0);
    return run;
  }

  test('A2: cancelled: it ends at once, and nothing is left', async () => {
    const run = await hanging();
    const started = performance.now();
    run.kill('SIGINT');
    const result = await run.finished;
    expect(performance.now() - started).toBeLessThan(7_000);
    expect(errorsOf(result)).toEqual([expect.objectContaining({ title: 'Lifeboat: cancelled' })]);
    expect(readdirSync(result.runnerTemp)).toEqual([]);
    expect(processesOf(result).map(commandLine)).toEqual([]);
  });

  test('A11: killed: post ends its process and removes its folder', async () => {
    const run = await hanging();
    run.kill('SIGKILL');
    const killed = await run.finished;
    const [folder = ''] = readdirSync(killed.runnerTemp);
    expect(folder).toMatch(/^lifeboat-cache-/);
    const left = processesOf(killed);
    expect(left.map(commandLine)).toEqual([expect.stringContaining('actions-cache look-up')]);
    expect(await runPost(killed)).toMatchObject({ exitCode: 0, annotations: [] });
    expect(readdirSync(killed.runnerTemp)).toEqual([]);
    expect(await waitUntilGone(left, 5_000)).toEqual([]);
  });
});
