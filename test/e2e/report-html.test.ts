import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { makeId } from '../../src/formats/id.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { type Checked, runCheck } from '../support/action/run-check.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type MadeBackup, makeBackup, makeRecord } from '../support/data/made-backup.ts';
import { type Page, render } from '../support/servers/chromium.ts';

const HOUR = 3_600_000;
/** What a server's name, a finding or a version would do, were it not text. */
const HOSTILE = '17.2</td><script>console.error("gotcha")</script><img src="http://127.0.0.1:9/gotcha.png">';

let store: StoreFolder;
/** Every hour, but for a pause of five; the oldest first. */
let made: MadeBackup[];
let pages: string;

function put(key: string, bytes: Buffer): void {
  mkdirSync(dirname(join(store.path, key)), { recursive: true });
  writeFileSync(join(store.path, key), bytes);
}

/** A backup that began so many hours ago, took 90 s and was stored with so many bytes. */
function add(age: number, size: number, previous: MadeBackup | null): MadeBackup {
  const begun = new Date(Date.now() - age * HOUR);
  const finished = new Date(begun.getTime() + 90_000).toISOString();
  const manifest = { created: begun.toISOString(), finished };
  const backup = makeBackup(makeId(begun, '0a1b2c3d'), { size, previous, manifest });
  for (const [key, bytes] of backup.files) put(key, bytes);
  return backup;
}

beforeAll(() => {
  store = newStoreFolder();
  pages = newStoreFolder().path;
  made = [];
  for (const [index, age] of [12, 11, 10, 5, 4, 3].entries())
    made.push(add(age, 2_000_000 + index, made.at(-1) ?? null));
  // One that was pruned: the newest names it, so its time leaves no gap.
  const pruned = makeBackup(makeId(new Date(Date.now() - 2 * HOUR), '0a1b2c3d'), { previous: made.at(-1) ?? null });
  made.push(add(1, 2_000_006, pruned));
  const stages = (milliseconds: number) => [{ name: 'restore', milliseconds }];
  const test = (backup: MadeBackup | undefined, minutes: number, ...record: [verdict: 'proven' | 'failed', object]) => {
    if (backup === undefined) throw new Error('no such backup');
    const { key, bytes } = makeRecord(backup, record[0], new Date(Date.now() - minutes * 60_000), record[1]);
    put(key, bytes);
  };
  test(made[0], 600, 'proven', { stages: stages(61_000), signatureVerified: true });
  test(made[5], 120, 'failed', { stages: stages(5_000) });
  test(made[6], 30, 'proven', { stages: stages(42_000), scratchServer: HOSTILE });
  // A copy of a good record under another backup says nothing of it.
  const { key, bytes } = makeRecord(made[0] as MadeBackup, 'proven', new Date(Date.now() - 20 * 60_000));
  put(key.replace(made[0]?.id ?? '', made[1]?.id ?? ''), bytes);
});

describe('the page of a check', () => {
  let result: Checked;
  let file: string;
  let page: Page;

  beforeAll(async () => {
    file = join(pages, 'check.html');
    result = await runCheck([store.url], { name: 'shop', 'max-age': '2h', 'report-html': file });
    page = await render(file);
  });

  test('one file, nothing beside it, for others to read', () => {
    expect(readdirSync(pages).filter((name) => name.includes('check'))).toEqual(['check.html']);
    expect(statSync(file).mode & 0o777).toBe(0o666 & ~process.umask());
    expect(result.outputs.report).toMatch(/\.json$/);
  });

  test('a browser shows what was measured', () => {
    const of = (name: string) => new RegExp(`${name}[^\\n]*`).exec(page.text)?.[0] ?? '';
    expect(page.title).toMatch(/^PostgreSQL backups, \d{4}-\d\d-\d\d$/);
    expect(of('RPO, measured')).toContain('now 1 h 0 min');
    // Five hours between the third and the fourth; the pruned one fills the two before the newest.
    expect(page.text).toContain(
      `at most 5 h 0 min between the starts of consecutive backups (6 measured), before ${made[3]?.id}`,
    );
    expect(of('RTO, measured')).toContain('newest 42.0 s, longest 1 min 1 s (2 restore tests that passed)');
    expect(of('Newest good backup')).toContain(made[6]?.id ?? '');
    for (const { id } of made) expect(page.text).toContain(id);
    expect(page.text).toContain('verified in the test');
    expect(page.text).toContain('does not count: it is not the record of a restore test of this backup');
    // By its name alone the second were proven too, and newer tested than any.
    expect(page.text.split('\n').filter((line) => line.includes(`${made[1]?.id}\t`))).toEqual([
      expect.stringMatching(/\tnone\t–$/),
      expect.stringContaining('does not count'),
    ]);
    expect(page.text).toMatch(/newest backup[^\n]*ok/);
  });

  test('charts are drawn, of every backup that has the measure', () => {
    expect(page.charts).toEqual([
      { label: 'Stored, MB', bars: 7 },
      { label: 'Duration of the backup, min', bars: 7 },
      { label: 'Time to restore, min', bars: 2 },
    ]);
  });

  test('nothing hangs out at the side', () => {
    expect(page.overflows).toBe(false);
  });

  test('foreign text is text; nothing runs, nothing is asked for, nothing is complained of', () => {
    expect(page.text).toContain(`PostgreSQL ${HOSTILE}`);
    expect({ scripts: page.scripts, images: page.images }).toEqual({ scripts: 0, images: 0 });
    expect(page.console).toEqual([]);
    expect(page.requests).toEqual([`file://${file}`]);
    const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
    expect(readFileSync(file, 'utf8')).toContain(policy);
  });

  test('the summary has the same as charts that GitHub draws', () => {
    expect(result.summary.match(/^xychart-beta$/gm)).toHaveLength(3);
    expect(result.summary).toContain('  y-axis "min" 0 --> 1.5\n  bar [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]');
    expect(result.summary).toContain('  bar [1.017, 0.7]');
    expect(result.summary).not.toContain('gotcha');
  });
});

describe('the page of a list', () => {
  let result: ActionResult;
  let html: string;

  beforeAll(async () => {
    const file = join(pages, 'list.html');
    writeFileSync(file, 'an older one');
    result = await runBackup({ command: 'list', store: store.url, 'report-html': file });
    html = readFileSync(file, 'utf8');
  });

  test('has the same measures', () => {
    expect(errorsOf(result)).toEqual([]);
    expect(html).toContain('at most 5 h 0 min between');
    expect(html).toContain('newest 42.0 s, longest 1 min 1 s');
    expect(html).toContain('No signature was verified here');
  });

  test('without it list reads nothing, and its report has the series that names tell', async () => {
    const plain = await runBackup({ command: 'list', store: store.url });
    const { trend } = JSON.parse(readFileSync(plain.outputs.report ?? '', 'utf8')).stores[0].sets[0];
    expect(trend.backups.map(({ id }: { id: string }) => id)).toEqual(made.map(({ id }) => id));
    expect(trend.backups[6]).toMatchObject({ size: 2_000_008, duration: null, lastTest: { verdict: 'proven' } });
    expect(trend.missing).toMatch(/^durations and times to restore: list reads no manifest/);
  });
});

test('a page that cannot be written is red, and what was found is told all the same', async () => {
  const result = await runBackup({ command: 'check', store: store.url, 'report-html': '/proc/page.html' });
  expect(errorsOf(result).map(({ message }) => message)).toEqual([
    expect.stringContaining('shop: chain: '),
    expect.stringMatching(/^report-html: "\/proc\/page\.html" could not be written \(.*Name a file in a folder/),
  ]);
  expect(result.exitCode).toBe(1);
  expect(result.outputs.report).toBeTruthy();
  expect(result.summary).toContain('<td>newest backup</td>');
});
