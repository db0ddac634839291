import { NO_FACTS } from '../../notify/run-result.ts';
import { type MeasuredSet, samplesOf, stageSamples, startSeconds } from '../../notify/samples.ts';
import { escapeHtml } from '../../report/escape.ts';
import { countOf, formatBytes, formatDuration } from '../../units.ts';
import { deletedOutput } from '../prune/report.ts';
import { outcomeOf } from '../prune/summary.ts';
import { failedStores, fileTime, type Presentation, type PresentContext } from '../shared/presentation.ts';
import {
  type DatabaseResult,
  type DatabasesReport,
  databasesMessage,
  databasesOutput,
  reportsOf,
  totalsOf,
} from './databases/report.ts';
import { databasesSummary } from './databases/summary.ts';
import type { BackupSettings } from './inputs.ts';
import type { BackupPlan } from './plan.ts';
import type { BackupReport } from './report.ts';
import { backupSummary, SUPERUSER_WARNING } from './summary.ts';

/** What `backup` comes to: the plan of a dry run, one backup, or one for each of several databases. */
export type BackupResult =
  | { kind: 'plan'; plan: BackupPlan }
  | { kind: 'one'; report: BackupReport }
  | { kind: 'several'; report: DatabasesReport };

type Context = PresentContext<BackupSettings>;

export function presentBackup(result: BackupResult, context: Context): Presentation {
  if (result.kind === 'plan') return presentPlan(result.plan);
  return result.kind === 'one' ? presentOne(result.report, context) : presentSeveral(result.report, context);
}

/** A plan is red when it could not be made for each database. */
function presentPlan({ tables, databaseSize, lines, problems }: BackupPlan): Presentation {
  const isRed = problems.length > 0;
  return {
    status: isRed ? 'failed' : 'good',
    problem: isRed ? { title: 'Lifeboat: backup would fail', message: problems.join('\n') } : null,
    outputs: { tables, 'database-size': databaseSize },
    lines: lines.map((line) => `[dry-run] ${line}`),
    summary: `## Dry run: nothing was changed\n\n${lines.map((line) => `- ${escapeHtml(line)}`).join('\n')}\n`,
    report: null,
    page: null,
    facts: NO_FACTS,
    measured: [],
  };
}

/** A backup that one store does not have is red, though the others have it. */
function presentOne(report: BackupReport, { reportPath }: Context): Presentation {
  const failed = failedStores(report.stores);
  const message = `Backup ${report.id} is complete in the other stores. Missing in: ${failed}`;
  return {
    status: failed === null ? 'good' : 'failed',
    problem: failed === null ? null : { title: 'Lifeboat: a store failed', message },
    outputs: backupOutputs([report], report, report.duration),
    lines: backupLines([report]),
    summary: backupSummary(report) + superuserNote([report]),
    report: { path: reportPath(`lifeboat-${report.id}.json`), content: report },
    page: null,
    ...notificationsOf(report),
  };
}

/** One database without a backup in every store is red, though the others have it. */
function presentSeveral(report: DatabasesReport, { cancelled, reportPath }: Context): Presentation {
  const reports = reportsOf(report.databases);
  const message = databasesMessage(report);
  const title = cancelled ? 'Lifeboat: cancelled' : 'Lifeboat: not every database was backed up';
  return {
    status: message === null ? 'good' : cancelled ? 'cancelled' : 'failed',
    problem: message === null ? null : { title, message },
    outputs: { ...backupOutputs(reports, totalsOf(report), report.duration), backups: databasesOutput(report) },
    lines: backupLines(reports),
    summary: databasesSummary(report) + superuserNote(reports),
    report: { path: reportPath(`lifeboat-databases-${fileTime(report.started)}.json`), content: report },
    page: null,
    facts: NO_FACTS,
    measured: report.databases.flatMap(measuredDatabase),
  };
}

/** Once, however many databases there are. */
function superuserNote(backups: BackupReport[]): string {
  return backups.some(({ superuser }) => superuser) ? `\n⚠️ ${escapeHtml(SUPERUSER_WARNING)}\n` : '';
}

function completeStores(backups: BackupReport[]): { report: BackupReport; location: string; manifest: string }[] {
  return backups.flatMap((report) =>
    report.stores.filter(({ error }) => error === null).map((store) => ({ report, ...store })),
  );
}

type Totals = Pick<BackupReport, 'storedSize' | 'databaseSize' | 'tables' | 'rows'>;

function backupOutputs(backups: BackupReport[], totals: Totals, duration: number): Presentation['outputs'] {
  const complete = completeStores(backups);
  const retention = backups.flatMap(({ stores }) => stores.flatMap((store) => store.retention ?? []));
  return {
    id: backups.map(({ id }) => id).join('\n'),
    location: complete.map(({ location }) => location).join('\n'),
    manifest: complete.map(({ manifest }) => manifest).join('\n'),
    size: totals.storedSize,
    'database-size': totals.databaseSize,
    tables: totals.tables,
    rows: totals.rows,
    duration: Math.round(duration / 1000),
    ...(retention.length === 0 ? {} : { deleted: deletedOutput(retention) }),
  };
}

function backupLines(backups: BackupReport[]): string[] {
  const retention = backups.flatMap(({ stores }) => stores.flatMap((store) => store.retention ?? []));
  return [
    ...completeStores(backups).map(({ report, location }) => completeLine(report, location)),
    ...retention.map((store) => `${store.url}: ${outcomeOf(store)}`),
    ...(backups.some(({ superuser }) => superuser) ? [`Warning: ${SUPERUSER_WARNING}`] : []),
  ];
}

function completeLine({ id, tables, rows, storedSize, duration }: BackupReport, location: string): string {
  return `Backup ${id} is complete: ${countOf(rows, 'row')} in ${countOf(tables, 'table')}, ${formatBytes(storedSize)} at ${location}, in ${formatDuration(duration)}.`;
}

/** What notifiers get of a backup. */
export function notificationsOf(report: BackupReport): Pick<Presentation, 'facts' | 'measured'> {
  return { facts: { ...NO_FACTS, backup: report.id }, measured: [{ set: null, ...measuredOf(report) }] };
}

/** A store that failed has nothing new, so that its last values stay. */
function measuredOf(report: BackupReport): Pick<MeasuredSet, 'samples' | 'stores'> {
  const newest = samplesOf({ lifeboat_newest_backup_timestamp_seconds: startSeconds(report.id) });
  return {
    samples: [
      ...stageSamples(report.stages),
      ...samplesOf({
        lifeboat_database_size_bytes: report.databaseSize,
        lifeboat_backup_dump_bytes: report.plainSize,
        lifeboat_backup_stored_bytes: report.storedSize,
        lifeboat_backup_tables: report.tables,
        lifeboat_backup_rows: report.rows,
      }),
    ],
    stores: report.stores.filter(({ error }) => error === null).map(({ url }) => ({ url, samples: newest })),
  };
}

/** Its set has metrics of its own. A database whose backup was not started has none. */
function measuredDatabase({ name, outcome, error, report, ended, duration }: DatabaseResult): MeasuredSet[] {
  if (outcome === 'not-begun') return [];
  const measured = report === null ? { samples: [], stores: [] } : measuredOf(report);
  return [{ set: name, attempt: { failed: error !== null, ended: new Date(ended), duration }, ...measured }];
}
