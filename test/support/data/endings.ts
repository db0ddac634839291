import { notificationsOf as backupNotifications } from '../../../src/commands/backup/present.ts';
import type { BackupReport } from '../../../src/commands/backup/report.ts';
import { measuredSets } from '../../../src/commands/list/present.ts';
import type { ListReport } from '../../../src/commands/list/report.ts';
import { notificationsOf as restoreTestNotifications } from '../../../src/commands/restore-test/present.ts';
import type { RestoreTestReport } from '../../../src/commands/restore-test/report.ts';
import { NO_FACTS, type RunResult } from '../../../src/notify/run-result.ts';
import { ATTEMPT_ONLY } from '../../../src/notify/samples.ts';

/** Results of runs, with the parts of their reports that notifiers use. */
export const ENDED = new Date('2026-11-21T02:10:00.500Z');

const about = { set: 'shop', database: 'Shop "1"', backup: null };
const base = { cancelled: false, failure: null, about, ended: ENDED, duration: 600_123 };

export const backupReport = {
  command: 'backup',
  id: '20261121T020000Z-7f3a91c2',
  name: 'shop',
  stages: [
    { name: 'connect', milliseconds: 250 },
    { name: 'data', milliseconds: 590_000 },
    { name: 'data', milliseconds: 1_000 },
  ],
  databaseSize: 4_000,
  plainSize: 3_000,
  storedSize: 1_000,
  tables: 21,
  rows: '9007199254740993',
  stores: [
    { url: 's3://bucket/pre"fix\\', error: null },
    { url: 'file:///srv/backups', error: null },
  ],
} as unknown as BackupReport;

const restoreTestReport = {
  command: 'restore-test',
  verdict: 'proven',
  recovered: false,
  id: '20261121T020000Z-7f3a91c2',
  finished: '2026-11-21T03:00:00.000Z',
  restoreTime: 90_000,
  stages: [{ name: 'restore', milliseconds: 90_000 }],
  findings: [],
  missed: [],
  tables: [{ schema: 'public', name: 't', expected: '10', restored: '10', equal: true }],
} as unknown as RestoreTestReport;

const listReport = {
  command: 'list',
  name: null,
  stores: [
    {
      url: 's3://bucket/prefix',
      error: null,
      sets: [
        {
          name: 'shop',
          backups: [
            { id: '20261121T020000Z-7f3a91c2', complete: true, size: 30, newestComplete: true, newestProven: false },
            { id: '20261120T020000Z-0c11d5e8', complete: true, size: 20, newestComplete: false, newestProven: true },
            { id: '20261119T020000Z-0c11d5e8', complete: false, size: 1, newestComplete: false, newestProven: false },
          ],
        },
        { name: 'blog', backups: [{ id: '20261101T020000Z-0c11d5e8', complete: false, size: 5 }] },
      ],
    },
    { url: 'file:///gone', error: 'it is not there', sets: [] },
  ],
} as unknown as ListReport;

/** A backup with this report. */
export function backedUpWith(report: BackupReport): RunResult {
  return { ...base, command: 'backup', ...backupNotifications(report) };
}

export const backedUp = backedUpWith(backupReport);

export const failed: RunResult = {
  ...base,
  command: 'backup',
  facts: NO_FACTS,
  measured: [ATTEMPT_ONLY],
  failure: { title: 'Lifeboat: backup failed', message: 'The disk is full.' },
};

export function restoreTested(changed: Partial<RestoreTestReport> = {}): RunResult {
  return { ...base, command: 'restore-test', ...restoreTestNotifications({ ...restoreTestReport, ...changed }) };
}

/** Of all sets. */
export const listed: RunResult = {
  ...base,
  command: 'list',
  about: { set: null, database: null, backup: null },
  facts: NO_FACTS,
  measured: measuredSets(listReport),
};
