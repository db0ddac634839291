import { describe, expect, test } from '@jest/globals';
import { metricsOf, type StoreSpace } from '../../../src/notify/metrics.ts';
import { FIRST_LINE, lastAttemptFailed, metricsText } from '../../../src/notify/metrics-text.ts';
import { METRICS } from '../../../src/notify/samples.ts';
import { backedUp, backedUpWith, backupReport, failed, listed, restoreTested } from '../../support/data/endings.ts';
import { checkMetrics } from '../../support/servers/prometheus.ts';

const SPACE: StoreSpace[] = [{ url: 'file:///srv/backups', free: 10, size: 100 }];
const AT = '1795227000'; // 2026-11-21T02:10:00Z
const STARTED = '1795226400';

/** The series of a text, without HELP and TYPE. */
function seriesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const textOf = (...args: Parameters<typeof metricsOf>) => metricsText(metricsOf(...args));

describe('what a run writes', () => {
  test('a backup: the run, the backup, and each store that has it', () => {
    const run = '{set="shop",command="backup"}';
    const inStore = (store: string) => `{set="shop",command="backup",store="${store}"}`;
    expect(seriesOf(textOf(backedUp, SPACE))).toEqual([
      `lifeboat_last_attempt_timestamp_seconds${run} ${AT}`,
      `lifeboat_last_attempt_success${run} 1`,
      `lifeboat_last_attempt_duration_seconds${run} 600.123`,
      `lifeboat_last_success_timestamp_seconds${run} ${AT}`,
      'lifeboat_stage_duration_seconds{set="shop",command="backup",stage="connect"} 0.25',
      'lifeboat_stage_duration_seconds{set="shop",command="backup",stage="data"} 591',
      `lifeboat_newest_backup_timestamp_seconds${inStore('file:///srv/backups')} ${STARTED}`,
      `lifeboat_newest_backup_timestamp_seconds${inStore('s3://bucket/pre\\"fix\\\\')} ${STARTED}`,
      `lifeboat_database_size_bytes${run} 4000`,
      `lifeboat_backup_dump_bytes${run} 3000`,
      `lifeboat_backup_stored_bytes${run} 1000`,
      `lifeboat_backup_tables${run} 21`,
      `lifeboat_backup_rows${run} 9007199254740993`,
      `lifeboat_store_free_bytes${inStore('file:///srv/backups')} 10`,
      `lifeboat_store_size_bytes${inStore('file:///srv/backups')} 100`,
    ]);
  });

  test('a failed run: that it failed, when, and the disk', () => {
    expect(seriesOf(textOf(failed, SPACE)).map((line) => line.replace(/\{.*\}/, ''))).toEqual([
      `lifeboat_last_attempt_timestamp_seconds ${AT}`,
      'lifeboat_last_attempt_success 0',
      'lifeboat_last_attempt_duration_seconds 600.123',
      'lifeboat_store_free_bytes 10',
      'lifeboat_store_size_bytes 100',
    ]);
  });

  test('a restore test: what it proved', () => {
    const text = textOf(restoreTested(), []);
    expect(text).toContain('lifeboat_restore_test_proven{set="shop",command="restore-test"} 1');
    expect(text).toContain('lifeboat_last_proven_timestamp_seconds{set="shop",command="restore-test"} 1795230000');
    expect(text).toContain(
      `lifeboat_last_proven_backup_timestamp_seconds{set="shop",command="restore-test"} ${STARTED}`,
    );
    expect(text).toContain('lifeboat_restore_duration_seconds{set="shop",command="restore-test"} 90\n');
  });

  test('a restore test that proved nothing: no word of when', () => {
    const text = textOf(restoreTested({ verdict: 'could-not-verify', restoreTime: null }), []);
    expect(text).toContain('lifeboat_restore_test_proven{set="shop",command="restore-test"} 0');
    expect(text).not.toMatch(/last_proven|restore_duration/);
  });

  test('a list: each set in each store that could be listed; one without a good backup says 0', () => {
    const lines = seriesOf(textOf(listed, [])).filter((line) => line.includes('store='));
    const of = (set: string) => `{set="${set}",command="list",store="s3://bucket/prefix"}`;
    expect(lines.sort()).toEqual(
      [
        `lifeboat_backups${of('shop')} 2`,
        `lifeboat_backups_stored_bytes${of('shop')} 51`,
        `lifeboat_newest_backup_timestamp_seconds${of('shop')} ${STARTED}`,
        `lifeboat_newest_proven_backup_timestamp_seconds${of('shop')} 1795140000`,
        `lifeboat_backups${of('blog')} 0`,
        `lifeboat_backups_stored_bytes${of('blog')} 5`,
        `lifeboat_newest_backup_timestamp_seconds${of('blog')} 0`,
        `lifeboat_newest_proven_backup_timestamp_seconds${of('blog')} 0`,
      ].sort(),
    );
  });

  test('no set is known: nothing', () => {
    expect(metricsOf({ ...failed, about: { set: null, database: null, backup: null } }, SPACE)).toEqual([]);
  });
});

describe('written into what was there', () => {
  const other = metricsText(metricsOf({ ...backedUp, about: { set: 'shop-2', database: null, backup: null } }, SPACE));
  const before = metricsText(metricsOf(backedUp, SPACE), other);

  test('a failed run leaves the last success, and all that it knows nothing about', () => {
    const later = { ...failed, ended: new Date('2026-11-22T02:10:00Z') };
    const after = seriesOf(metricsText(metricsOf(later, SPACE), before));
    const changed = seriesOf(before).filter((line) => !after.includes(line));
    expect(changed.map((line) => line.replace(/\{.*\}/, ''))).toEqual([
      `lifeboat_last_attempt_timestamp_seconds ${AT}`,
      'lifeboat_last_attempt_success 1',
    ]);
    expect(after.length).toBe(seriesOf(before).length);
    expect(after).toContain(`lifeboat_last_success_timestamp_seconds{set="shop",command="backup"} ${AT}`);
  });

  test('a store that failed keeps what was last told of it', () => {
    const [s3, file] = backupReport.stores;
    if (!s3 || !file) throw new Error('two stores');
    const id = '20261122T020000Z-7f3a91c2';
    const report = { ...backupReport, id, stores: [{ ...s3, error: 'gone' }, file] };
    const after = seriesOf(metricsText(metricsOf(backedUpWith(report), SPACE), before));
    expect(after.filter((line) => /^lifeboat_newest.*set="shop"/.test(line))).toEqual([
      'lifeboat_newest_backup_timestamp_seconds{set="shop",command="backup",store="file:///srv/backups"} 1795312800',
      `lifeboat_newest_backup_timestamp_seconds{set="shop",command="backup",store="s3://bucket/pre\\"fix\\\\"} ${STARTED}`,
    ]);
  });

  test('stages that are gone, go', () => {
    const report = { ...backupReport, stages: [{ name: 'new', milliseconds: 1 }] };
    const after = metricsText(metricsOf(backedUpWith(report), SPACE), before);
    expect(after.match(/set="shop",command="backup",stage="\w+"/g)).toEqual([
      'set="shop",command="backup",stage="new"',
    ]);
  });

  test('the same again is the same', () => {
    expect(metricsText(metricsOf(backedUp, SPACE), before)).toBe(before);
  });

  test('of another text nothing is taken that is not ours', () => {
    const text = metricsText(metricsOf(failed, []));
    const foreign = [
      'lifeboat_unknown{set="shop"} 1',
      'node_load1 0.5',
      'lifeboat_backups{set="x"} NaN-ish',
      'lifeboat_backups{set="x} 1',
      'lifeboat_backups{set="x"} 1 1795227000',
      '# TYPE lifeboat_backups counter',
    ];
    expect(metricsText(metricsOf(failed, []), foreign.join('\n'))).toBe(text);
  });

  test('it tells whether the run before was red, of this set and command alone', () => {
    const red = metricsText(metricsOf(failed, []), before);
    const groups = metricsOf(backedUp, SPACE);
    expect(lastAttemptFailed(red, groups)).toBe(true);
    expect(lastAttemptFailed(before, groups)).toBe(false);
    expect(lastAttemptFailed('', groups)).toBe(false);
    expect(lastAttemptFailed(red, metricsOf(restoreTested(), []))).toBe(false);
  });
});

test('promtool finds nothing to mend', async () => {
  const endings = [backedUp, restoreTested(), listed];
  const text = endings.reduce((before, ending) => metricsText(metricsOf(ending, SPACE), before), '');
  expect(text.startsWith(`${FIRST_LINE}\n`)).toBe(true);
  // Every metric that there is.
  for (const name of Object.keys(METRICS)) expect(text).toContain(`# TYPE ${name} gauge\n${name}{`);
  await checkMetrics(text);
});
