import * as core from '@actions/core';
import { CACHE_PROCESS, serveCacheRequest } from './commands/actions-cache-process.ts';
import { backup } from './commands/backup.ts';
import { backupDatabases, planDatabases } from './commands/backup-databases.ts';
import { type BackupPlan, planBackup } from './commands/backup-plan.ts';
import { check } from './commands/check.ts';
import { hold } from './commands/hold.ts';
import { list } from './commands/list.ts';
import { prune } from './commands/prune.ts';
import { release } from './commands/release.ts';
import { restore } from './commands/restore.ts';
import { type RestoreTestResult, restoreTest } from './commands/restore-test.ts';
import type { Run } from './commands/run.ts';
import { runAfter } from './commands/swap-commands.ts';
import { LeftBehind, messageOf } from './errors.ts';
import { commandMeant } from './inputs/command.ts';
import { commandEnvironment } from './inputs/command-environment.ts';
import { parseCommandLines } from './inputs/command-lines.ts';
import { readMonitoring } from './inputs/read-monitoring.ts';
import { readSettings } from './inputs/read-settings.ts';
import type { BackupSettings, CheckSettings, ListSettings, RestoreTestSettings, Settings } from './inputs/settings.ts';
import type { StoreLocation } from './inputs/store-url.ts';
import { Leftovers } from './leftovers.ts';
import { cleanUp } from './post.ts';
import type { BackupReport } from './report/backup-report.ts';
import type { CheckReport } from './report/check-report.ts';
import { checkMessage } from './report/check-summary.ts';
import { type DatabasesReport, databasesMessage } from './report/databases-report.ts';
import type { Ending } from './report/ending.ts';
import { hideSecrets } from './report/escape.ts';
import type { HoldReport } from './report/hold-report.ts';
import { htmlPage } from './report/html-page.ts';
import type { ListReport } from './report/list-report.ts';
import { actionsLog, logOrigin } from './report/log.ts';
import { Progress } from './report/progress.ts';
import type { PruneReport } from './report/prune-report.ts';
import { whyNotApplied } from './report/prune-summary.ts';
import {
  publishBackup,
  publishCheck,
  publishDatabases,
  publishFailure,
  publishHold,
  publishList,
  publishPlan,
  publishPrune,
  publishRestore,
  publishRestoreTest,
} from './report/publish.ts';
import type { RestoreReport } from './report/restore-report.ts';
import { restoreIsDone, restoreMessage } from './report/restore-summary.ts';
import { verdictMessage } from './report/restore-test-summary.ts';
import { writePage } from './report/write-page.ts';
import { beginTelling } from './tell.ts';
import { VERSION } from './version.ts';

/** 8 GiB: a volume is copied, listed and fetched again in reasonable time, and no provider's limit is near. */
const VOLUME_SIZE = 8 * 1024 ** 3;

/** How the run has ended, for whoever is told of it. */
const ending: Pick<Ending, 'failure' | 'cancelled' | 'report'> = { failure: null, cancelled: false, report: null };

/**
 * The Action: inputs, command, report. The same bundle is the `post:` step, told by the saved state; and the process that
 * speaks to the Actions cache, told by its argument.
 */
async function main(): Promise<void> {
  if (process.argv[2] === CACHE_PROCESS) return serveCacheRequest(process.argv.slice(3));
  if (core.getState('main') === 'started') {
    return cleanUp(JSON.parse(core.getState('leftovers') || '[]'), actionsLog, commandsOfAfter);
  }
  core.saveState('main', 'started');
  const cancelled = cancellation();
  const progress = new Progress(actionsLog);
  const command = commandMeant(core.getInput('command'));
  const monitoring = readMonitoring(getInput);
  progress.about.set = monitoring.set;
  const tell = beginTelling({ settings: monitoring, log: actionsLog, cancelled, env: process.env });
  const secrets: string[] = [];
  let stores: StoreLocation[] = [];
  try {
    const mask = (secret: string) => {
      secrets.push(secret);
      core.setSecret(secret);
    };
    const settings = await readSettings(getInput, process.env, { ...actionsLog, mask });
    stores = settings.stores;
    const leftovers = new Leftovers((list) => core.saveState('leftovers', JSON.stringify(list)));
    const run: Run = {
      log: actionsLog,
      progress,
      signal: cancelled,
      track: leftovers.track,
      now: () => new Date(),
      version: VERSION,
      volumeSize: VOLUME_SIZE,
      at: async () => {},
      atSwap: async () => {},
    };
    await runCommand(settings, run);
  } catch (error) {
    await fail(command, error, cancelled, progress);
  }
  // The runner hides secrets in its logs, and in what is sent from here nobody else does.
  const failure = ending.failure && { ...ending.failure, message: hideSecrets(ending.failure.message, secrets) };
  const [ended, duration] = [new Date(), progress.elapsed()];
  await tell({ command, ...ending, failure, about: progress.about, ended, duration }, stores);
}

const getInput = (name: string) => core.getInput(name, { trimWhitespace: false });

/** For the `post:` step, which has the inputs once more. */
function commandsOfAfter(): Promise<string[]> {
  const commands = {
    after: parseCommandLines(getInput('after').trim()),
    env: commandEnvironment(getInput, process.env),
  };
  return runAfter(commands, { log: actionsLog, track: () => () => {} });
}

async function runCommand(settings: Settings, run: Run): Promise<void> {
  switch (settings.command) {
    case 'backup':
      return backUp(settings, run);
    case 'restore-test':
      return reportRestoreTest(await restoreTest(settings, run), settings);
    case 'restore':
      return reportRestore(await restore(settings, run));
    case 'list':
      return reportList(await list(settings, run), settings);
    case 'check':
      return reportCheck(await check(settings, run), settings);
    case 'prune':
      return reportPrune(await prune(settings, run));
    case 'hold':
      return reportHold(await hold(settings, run));
    case 'release':
      return reportHold(await release(settings, run));
  }
}

async function backUp({ databases, ...settings }: BackupSettings, run: Run): Promise<void> {
  if (databases === null) {
    const one = { ...settings, databases };
    return settings.dryRun ? reportPlan(await planBackup(one, run)) : reportBackup(await backup(one, run));
  }
  const many = { ...settings, databases };
  if (settings.dryRun) return reportPlan(await planDatabases(many, run));
  return reportDatabases(await backupDatabases(many, run), run.signal);
}

/** A plan is red when it could not be made for each database. */
async function reportPlan(plan: BackupPlan): Promise<void> {
  await publishPlan(plan);
  if (plan.problems.length > 0) annotate('Lifeboat: backup would fail', plan.problems.join('\n'));
}

/** One database without a backup in every store is red, though the others have it. */
async function reportDatabases(report: DatabasesReport, { aborted }: AbortSignal): Promise<void> {
  ending.report = report;
  await publishDatabases(report);
  const message = databasesMessage(report);
  if (message === null) return;
  ending.cancelled = aborted;
  annotate(aborted ? 'Lifeboat: cancelled' : 'Lifeboat: not every database was backed up', message);
}

/** A backup that one store does not have is red, though the others have it. */
async function reportBackup(report: BackupReport): Promise<void> {
  ending.report = report;
  await publishBackup(report);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length === 0) return;
  const named = failures.map(({ url, error }) => `${url}: ${error}`).join(' ');
  annotate('Lifeboat: a store failed', `Backup ${report.id} is complete in the other stores. Missing in: ${named}`);
}

/** Red unless the backup is proven: a test that says nothing is not green. */
async function reportRestoreTest(result: RestoreTestResult, settings: RestoreTestSettings): Promise<void> {
  const { report } = result;
  ending.report = report;
  await publishRestoreTest(result);
  const message = verdictMessage(report);
  if (report.verdict === 'proven') {
    if (report.missed.length > 0) annotate('Lifeboat: objective missed', message);
    return;
  }
  if (report.verdict === 'failed') annotate('Lifeboat: restore test failed', message);
  else if (settings.onCouldNotVerify === 'warn') core.warning(message, { title: 'Lifeboat: could not verify' });
  else annotate('Lifeboat: could not verify', message);
}

/** Red unless the restored database is what was dumped, and where it was to be. */
async function reportRestore(report: RestoreReport): Promise<void> {
  ending.report = report;
  await publishRestore(report);
  if (!restoreIsDone(report)) annotate('Lifeboat: restore not finished', restoreMessage(report));
  else if (report.commandFailures.length > 0)
    annotate('Lifeboat: restored, but a command failed', restoreMessage(report));
}

/** A store that cannot be listed is red, though the others are shown. */
async function reportList(report: ListReport, { reportHtml }: ListSettings): Promise<void> {
  ending.report = report;
  await publishList(report);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length > 0) {
    annotate('Lifeboat: a store could not be listed', failures.map(({ url, error }) => `${url}: ${error}`).join(' '));
  }
  if (reportHtml !== null) await writePage(reportHtml, htmlPage(report, VERSION));
}

/** Red when a rule is broken. What could not be looked at, or is to be looked at, is a warning: never green without a word. */
async function reportCheck(report: CheckReport, { reportHtml }: CheckSettings): Promise<void> {
  ending.report = report;
  await publishCheck(report);
  const message = checkMessage(report);
  if (message !== null) {
    if (report.result === 'failed') annotate('Lifeboat: check failed', message);
    else core.warning(message, { title: 'Lifeboat: check is not green' });
  }
  if (reportHtml !== null) await writePage(reportHtml, htmlPage(report, VERSION));
}

/** A plan that a guard refuses is red, and so is one that could not be carried out. */
async function reportPrune(report: PruneReport): Promise<void> {
  ending.report = report;
  await publishPrune(report);
  const bad = report.stores.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  if (bad.length === 0) return;
  annotate('Lifeboat: retention was not applied', bad.map(whyNotApplied).join(' '));
}

/** Held, or released, in some stores only is red. */
async function reportHold(report: HoldReport): Promise<void> {
  ending.report = report;
  await publishHold(report);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length === 0) return;
  annotate(`Lifeboat: ${report.command} failed`, failures.map(({ url, error }) => `${url}: ${error}`).join(' '));
}

/** The runner sends SIGINT, SIGTERM after 7.5 s, and kills 2.5 s later. */
function cancellation(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const hasEnded = ending.report !== null || ending.failure !== null;
      const what = hasEnded ? 'the run has ended, its end is told in haste.' : 'cancelling.';
      if (!controller.signal.aborted) core.info(`${signal}: ${what}`);
      controller.abort();
    });
  }
  return controller.signal;
}

async function fail(command: string, error: unknown, cancelled: AbortSignal, progress: Progress): Promise<void> {
  ending.cancelled = cancelled.aborted;
  const title = cancelled.aborted ? 'Lifeboat: cancelled' : `Lifeboat: ${command} failed`;
  const kept = error instanceof LeftBehind ? error.left : 'Nothing was kept of it.';
  const message = cancelled.aborted ? `The run was cancelled (${progress.current}). ${kept}` : messageOf(error);
  logOrigin(error, actionsLog, cancelled.aborted);
  await publishFailure(title, message);
  annotate(title, message);
}

/** One annotation for all that went wrong; the step fails. process.exit() is not used: Node 24 can hang in it. */
function annotate(title: string, message: string): void {
  core.error(message, { title });
  process.exitCode = 1;
  ending.failure = { title, message };
}

await main();
