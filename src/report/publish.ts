import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatabasesReport, databasesOutput, reportsOf, totalsOf } from '../commands/backup/databases/report.ts';
import { databasesSummary } from '../commands/backup/databases/summary.ts';
import type { BackupReport } from '../commands/backup/report.ts';
import { backupSummary, SUPERUSER_WARNING } from '../commands/backup/summary.ts';
import type { CheckReport } from '../commands/check/report.ts';
import { checkLines, checkSummary } from '../commands/check/summary.ts';
import { type HoldReport, holdLines } from '../commands/hold/report.ts';
import { backupsOutput, type ListReport } from '../commands/list/report.ts';
import { listLines, listSummary } from '../commands/list/summary.ts';
import { deletedOutput, type PruneReport } from '../commands/prune/report.ts';
import { outcomeOf, pruneLines, pruneSummary } from '../commands/prune/summary.ts';
import type { RestoreReport } from '../commands/restore/report.ts';
import { restoreMessage, restoreSummary } from '../commands/restore/summary.ts';
import type { RestoreTestReport } from '../commands/restore-test/report.ts';
import { restoreTestSummary, verdictMessage } from '../commands/restore-test/summary.ts';
import { countOf, formatBytes, formatDuration } from '../units.ts';
import type { Report } from './ending.ts';
import { html } from './escape.ts';
import { list } from './markup.ts';
import type { Outlet } from './outlet.ts';

/** Outputs, job summary and JSON report of a backup. */
export async function publishBackup(report: BackupReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-${report.id}.json`, report);
  publishBackups([report], report, report.duration, file, out);
  await out.summary(backupSummary(report) + superuserNote([report]));
}

/** Outputs, job summary and JSON report of a backup of several databases. */
export async function publishDatabases(report: DatabasesReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-databases-${report.started.replace(/[-:.]/g, '')}.json`, report);
  publishBackups(reportsOf(report.databases), totalsOf(report), report.duration, file, out);
  out.output('backups', databasesOutput(report));
  await out.summary(databasesSummary(report) + superuserNote(reportsOf(report.databases)));
}

/** Once, however many databases there are. */
function superuserNote(backups: BackupReport[]): string {
  return backups.some(({ superuser }) => superuser) ? `\n⚠️ ${html(SUPERUSER_WARNING)}\n` : '';
}

/** The outputs of one or several backups, and what the log says of them at the end. */
function publishBackups(
  backups: BackupReport[],
  totals: Pick<BackupReport, 'storedSize' | 'databaseSize' | 'tables' | 'rows'>,
  duration: number,
  file: string,
  out: Outlet,
): void {
  const good = backups.flatMap((report) =>
    report.stores.filter(({ error }) => error === null).map((store) => ({ report, ...store })),
  );
  const retention = backups.flatMap(({ stores }) => stores.flatMap((store) => store.retention ?? []));
  const outputs = {
    id: backups.map(({ id }) => id).join('\n'),
    location: good.map(({ location }) => location).join('\n'),
    manifest: good.map(({ manifest }) => manifest).join('\n'),
    size: totals.storedSize,
    'database-size': totals.databaseSize,
    tables: totals.tables,
    rows: totals.rows,
    duration: Math.round(duration / 1000),
    ...(retention.length === 0 ? {} : { deleted: deletedOutput(retention) }),
  };
  for (const [name, value] of Object.entries(outputs)) out.output(name, value);
  out.report(file);
  for (const { report, location } of good) out.log.info(completeLine(report, location));
  for (const store of retention) out.log.info(`${store.url}: ${outcomeOf(store)}`);
  if (backups.some(({ superuser }) => superuser)) out.log.info(`Warning: ${SUPERUSER_WARNING}`);
}

/** Outputs, job summary and JSON report of a restore test. */
export async function publishRestoreTest(
  { report, restoredUrl }: { report: RestoreTestReport; restoredUrl: string | null },
  out: Outlet,
): Promise<void> {
  const file = await writeReport(`lifeboat-restore-test-${report.id}.json`, report);
  const seconds = (milliseconds: number | null) => (milliseconds === null ? '' : Math.round(milliseconds / 1000));
  const rows = report.tables.reduce((sum, { restored }) => sum + BigInt(restored ?? 0), 0n);
  const outputs = {
    id: report.id,
    verdict: report.verdict,
    tables: report.tables.filter(({ restored }) => restored !== null).length,
    rows: rows.toString(),
    'restore-time': seconds(report.restoreTime),
    duration: seconds(report.duration),
    ...(restoredUrl === null ? {} : { 'restored-url': restoredUrl }),
  };
  for (const [name, value] of Object.entries(outputs)) out.output(name, value);
  out.report(file);
  for (const { kind, object, message } of report.findings) out.log.info(`- ${kind} ${object}: ${message}`);
  out.log.info(verdictMessage(report));
  await out.summary(restoreTestSummary(report));
}

/** Outputs, job summary and JSON report of a restore, or of its plan. */
export async function publishRestore(report: RestoreReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-restore-${report.id}.json`, report);
  const outputs = {
    id: report.id,
    verdict: report.verdict ?? '',
    'restore-time': report.restoreTime === null ? '' : Math.round(report.restoreTime / 1000),
    duration: Math.round(report.duration / 1000),
  };
  for (const [name, value] of Object.entries(outputs)) out.output(name, value);
  out.report(file);
  for (const { kind, object, message } of report.findings) out.log.info(`- ${kind} ${object}: ${message}`);
  out.log.info(restoreMessage(report));
  await out.summary(restoreSummary(report));
}

/** Outputs, job summary and JSON report of a listing. */
export async function publishList(report: ListReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-list-${report.started.replace(/[-:.]/g, '')}.json`, report);
  const { json, most } = backupsOutput(report);
  out.output('backups', json);
  out.output('duration', Math.round(report.duration / 1000));
  out.report(file);
  const notes =
    most === null ? [] : [`The output backups holds the newest ${most} of each set; the report, all: ${file}`];
  for (const line of [...listLines(report), ...notes]) out.log.info(line);
  await out.summary(listSummary(report, notes));
}

/** Outputs, job summary and JSON report of a check. */
export async function publishCheck(report: CheckReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-check-${report.started.replace(/[-:.]/g, '')}.json`, report);
  const { json, most } = backupsOutput(report);
  const newest = new Set(report.stores.flatMap(({ sets }) => sets.flatMap((set) => set.newest ?? [])));
  out.output('id', [...newest].join('\n'));
  out.output('backups', json);
  out.output('duration', Math.round(report.duration / 1000));
  out.report(file);
  for (const line of checkLines(report)) out.log.info(line);
  const notes =
    most === null ? [] : [`The output backups holds the newest ${most} of each set; the report, all: ${file}`];
  await out.summary(checkSummary(report, notes));
}

/** Outputs, job summary and JSON report of a prune. */
export async function publishPrune(report: PruneReport, out: Outlet): Promise<void> {
  const file = await writeReport(`lifeboat-prune-${report.started.replace(/[-:.]/g, '')}.json`, report);
  out.output('deleted', deletedOutput(report.stores));
  out.output('duration', Math.round(report.duration / 1000));
  out.report(file);
  for (const line of pruneLines(report)) out.log.info(line);
  await out.summary(pruneSummary(report));
}

/** Outputs, job summary and JSON report of a hold or a release. */
export async function publishHold(report: HoldReport, out: Outlet): Promise<void> {
  out.output('id', report.id);
  out.report(await writeReport(`lifeboat-${report.command}-${report.id}.json`, report));
  const lines = holdLines(report);
  for (const line of lines) out.log.info(line);
  await out.summary(`## ${report.command === 'hold' ? 'Hold' : 'Release'}\n\n${list(lines, '')}\n`);
}

async function writeReport(name: string, report: Report): Promise<string> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const { RUNNER_TEMP } = process.env;
  // In a folder that every user may write, another one could have put a link under a known name.
  const file = RUNNER_TEMP ? join(RUNNER_TEMP, name) : join(tmpdir(), `${randomUUID()}-${name}`);
  await writeFile(file, text, { mode: 0o600, flag: RUNNER_TEMP ? 'w' : 'wx' });
  return file;
}

function completeLine({ id, tables, rows, storedSize, duration }: BackupReport, location: string): string {
  return `Backup ${id} is complete: ${countOf(rows, 'row')} in ${countOf(tables, 'table')}, ${formatBytes(storedSize)} at ${location}, in ${formatDuration(duration)}.`;
}

/** What a dry run says: in the log, and in the summary. */
export async function publishPlan(
  plan: { tables: number; databaseSize: number; lines: string[] },
  out: Outlet,
): Promise<void> {
  for (const line of plan.lines) out.log.info(`[dry-run] ${line}`);
  out.output('tables', plan.tables);
  out.output('database-size', plan.databaseSize);
  await out.summary(`## Dry run: nothing was changed\n\n${plan.lines.map((line) => `- ${html(line)}`).join('\n')}\n`);
}

/** The summary of a run that ended without a result. */
export async function publishFailure(title: string, message: string, out: Outlet): Promise<void> {
  await out.summary(`## ❌ ${html(title)}\n\n${message.split('\n').map(html).join('<br>\n')}\n`);
}
