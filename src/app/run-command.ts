import { type DatabasesReport, databasesMessage } from '../commands/backup/databases/report.ts';
import { backupDatabases, planDatabases } from '../commands/backup/databases/run.ts';
import { type BackupPlan, planBackup } from '../commands/backup/plan.ts';
import type { BackupReport } from '../commands/backup/report.ts';
import { backup } from '../commands/backup/run.ts';
import type { CheckReport } from '../commands/check/report.ts';
import { check } from '../commands/check/run.ts';
import { checkMessage } from '../commands/check/summary.ts';
import type { HoldReport } from '../commands/hold/report.ts';
import { hold } from '../commands/hold/run.ts';
import type { ListReport } from '../commands/list/report.ts';
import { list } from '../commands/list/run.ts';
import type { PruneReport } from '../commands/prune/report.ts';
import { prune } from '../commands/prune/run.ts';
import { whyNotApplied } from '../commands/prune/summary.ts';
import { readSettings } from '../commands/read-settings.ts';
import { release } from '../commands/release/run.ts';
import type { RestoreReport } from '../commands/restore/report.ts';
import { restore } from '../commands/restore/run.ts';
import { restoreIsDone, restoreMessage } from '../commands/restore/summary.ts';
import { type RestoreTestResult, restoreTest } from '../commands/restore-test/run.ts';
import { verdictMessage } from '../commands/restore-test/summary.ts';
import type { Run } from '../commands/shared/run.ts';
import { LeftBehind, messageOf } from '../errors.ts';
import { commandMeant } from '../inputs/command.ts';
import type { Environment, GetInput } from '../inputs/schema.ts';
import type { BackupSettings, CheckSettings, ListSettings, RestoreTestSettings, Settings } from '../inputs/settings.ts';
import type { StoreLocation } from '../inputs/stores/store-url.ts';
import type { Track } from '../leftovers.ts';
import type { Ending } from '../report/ending.ts';
import { hideSecrets } from '../report/escape.ts';
import { htmlPage } from '../report/html-page.ts';
import { type Log, logOrigin } from '../report/log.ts';
import type { Outlet } from '../report/outlet.ts';
import { Progress } from '../report/progress.ts';
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
} from '../report/publish.ts';
import { writePage } from '../report/write-page.ts';
import { VERSION } from '../version.ts';
import { beginTelling } from './notify.ts';
import { readMonitoring } from './read-monitoring.ts';

/** 8 GiB: a volume is copied, listed and fetched again in reasonable time, and no provider's limit is near. */
const VOLUME_SIZE = 8 * 1024 ** 3;

/** Where a run comes from and what it speaks to. */
export interface Surroundings {
  get: GetInput;
  env: Environment;
  out: Outlet;
  /** Hides a text in all that is shown from now on. */
  mask(secret: string): void;
  track: Track;
}

/** `usage`: what it was told makes no sense, and nothing was begun. */
export type Outcome = 'good' | 'failed' | 'usage' | 'could-not-verify' | 'cancelled';

/** Carries out the command that the inputs name, and tells everybody what came of it. Never throws. */
export async function carryOut({ get, env, out, mask, track }: Surroundings): Promise<Outcome> {
  const ended = new Ended(out);
  const cancelled = cancellation(ended, out.log);
  const progress = new Progress(out.log);
  const command = commandMeant(get('command'));
  const monitoring = readMonitoring(get);
  progress.about.set = monitoring.set;
  const tell = beginTelling({ settings: monitoring, log: out.log, cancelled, env });
  const secrets: string[] = [];
  let stores: StoreLocation[] = [];
  try {
    const remember = (secret: string) => {
      secrets.push(secret);
      mask(secret);
    };
    const settings = await readSettings(get, env, { ...out.log, mask: remember }).catch((error: unknown) => {
      ended.outcome = 'usage';
      throw error;
    });
    stores = settings.stores;
    const run: Run = {
      log: out.log,
      progress,
      signal: cancelled,
      track,
      now: () => new Date(),
      version: VERSION,
      volumeSize: VOLUME_SIZE,
      at: async () => {},
      atSwap: async () => {},
    };
    await runCommand(settings, run, ended);
  } catch (error) {
    await fail(command, error, cancelled, progress, ended);
  }
  // The runner hides secrets in its logs, and in what is sent from here nobody else does.
  const { failure, report } = ended;
  const shown = failure && { ...failure, message: hideSecrets(failure.message, secrets) };
  const [at, duration] = [new Date(), progress.elapsed()];
  await tell(
    { command, cancelled: ended.cancelled, report, failure: shown, about: progress.about, ended: at, duration },
    stores,
  );
  return ended.cancelled ? 'cancelled' : ended.outcome;
}

/** How the run has ended, for whoever is told of it. */
class Ended implements Pick<Ending, 'failure' | 'cancelled' | 'report'> {
  failure: Ending['failure'] = null;
  cancelled = false;
  report: Ending['report'] = null;
  outcome: Outcome = 'good';
  readonly out: Outlet;

  constructor(out: Outlet) {
    this.out = out;
  }

  /** One annotation for all that went wrong. */
  wrong(title: string, message: string, outcome: Outcome = 'failed'): void {
    this.out.error(title, message);
    this.failure = { title, message };
    if (this.outcome === 'good') this.outcome = outcome;
  }
}

async function runCommand(settings: Settings, run: Run, ended: Ended): Promise<void> {
  switch (settings.command) {
    case 'backup':
      return backUp(settings, run, ended);
    case 'restore-test':
      return reportRestoreTest(await restoreTest(settings, run), settings, ended);
    case 'restore':
      return reportRestore(await restore(settings, run), ended);
    case 'list':
      return reportList(await list(settings, run), settings, ended);
    case 'check':
      return reportCheck(await check(settings, run), settings, ended);
    case 'prune':
      return reportPrune(await prune(settings, run), ended);
    case 'hold':
      return reportHold(await hold(settings, run), ended);
    case 'release':
      return reportHold(await release(settings, run), ended);
  }
}

async function backUp({ databases, ...settings }: BackupSettings, run: Run, ended: Ended): Promise<void> {
  if (databases === null) {
    const one = { ...settings, databases };
    return settings.dryRun
      ? reportPlan(await planBackup(one, run), ended)
      : reportBackup(await backup(one, run), ended);
  }
  const many = { ...settings, databases };
  if (settings.dryRun) return reportPlan(await planDatabases(many, run), ended);
  return reportDatabases(await backupDatabases(many, run), run.signal, ended);
}

/** A plan is red when it could not be made for each database. */
async function reportPlan(plan: BackupPlan, ended: Ended): Promise<void> {
  await publishPlan(plan, ended.out);
  if (plan.problems.length > 0) ended.wrong('Lifeboat: backup would fail', plan.problems.join('\n'));
}

/** One database without a backup in every store is red, though the others have it. */
async function reportDatabases(report: DatabasesReport, { aborted }: AbortSignal, ended: Ended): Promise<void> {
  ended.report = report;
  await publishDatabases(report, ended.out);
  const message = databasesMessage(report);
  if (message === null) return;
  ended.cancelled = aborted;
  ended.wrong(aborted ? 'Lifeboat: cancelled' : 'Lifeboat: not every database was backed up', message);
}

/** A backup that one store does not have is red, though the others have it. */
async function reportBackup(report: BackupReport, ended: Ended): Promise<void> {
  ended.report = report;
  await publishBackup(report, ended.out);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length === 0) return;
  const named = failures.map(({ url, error }) => `${url}: ${error}`).join(' ');
  ended.wrong('Lifeboat: a store failed', `Backup ${report.id} is complete in the other stores. Missing in: ${named}`);
}

/** Red unless the backup is proven: a test that says nothing is not green. */
async function reportRestoreTest(
  result: RestoreTestResult,
  settings: RestoreTestSettings,
  ended: Ended,
): Promise<void> {
  const { report } = result;
  ended.report = report;
  await publishRestoreTest(result, ended.out);
  const message = verdictMessage(report);
  if (report.verdict === 'proven') {
    if (report.missed.length > 0) ended.wrong('Lifeboat: objective missed', message);
    return;
  }
  if (report.verdict === 'failed') ended.wrong('Lifeboat: restore test failed', message);
  else if (settings.onCouldNotVerify === 'warn') ended.out.warning('Lifeboat: could not verify', message);
  else ended.wrong('Lifeboat: could not verify', message, 'could-not-verify');
}

/** Red unless the restored database is what was dumped, and where it was to be. */
async function reportRestore(report: RestoreReport, ended: Ended): Promise<void> {
  ended.report = report;
  await publishRestore(report, ended.out);
  const outcome = report.verdict === 'could-not-verify' ? 'could-not-verify' : 'failed';
  if (!restoreIsDone(report)) ended.wrong('Lifeboat: restore not finished', restoreMessage(report), outcome);
  else if (report.commandFailures.length > 0)
    ended.wrong('Lifeboat: restored, but a command failed', restoreMessage(report));
}

/** A store that cannot be listed is red, though the others are shown. */
async function reportList(report: ListReport, { reportHtml }: ListSettings, ended: Ended): Promise<void> {
  ended.report = report;
  await publishList(report, ended.out);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length > 0) {
    ended.wrong(
      'Lifeboat: a store could not be listed',
      failures.map(({ url, error }) => `${url}: ${error}`).join(' '),
    );
  }
  if (reportHtml !== null) await writePage(reportHtml, htmlPage(report, VERSION));
}

/** Red when a rule is broken. What could not be looked at, or is to be looked at, is a warning: never green without a word. */
async function reportCheck(report: CheckReport, { reportHtml }: CheckSettings, ended: Ended): Promise<void> {
  ended.report = report;
  await publishCheck(report, ended.out);
  const message = checkMessage(report);
  if (message !== null) {
    if (report.result === 'failed') ended.wrong('Lifeboat: check failed', message);
    else ended.out.warning('Lifeboat: check is not green', message);
  }
  if (reportHtml !== null) await writePage(reportHtml, htmlPage(report, VERSION));
}

/** A plan that a guard refuses is red, and so is one that could not be carried out. */
async function reportPrune(report: PruneReport, ended: Ended): Promise<void> {
  ended.report = report;
  await publishPrune(report, ended.out);
  const bad = report.stores.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  if (bad.length === 0) return;
  ended.wrong('Lifeboat: retention was not applied', bad.map(whyNotApplied).join(' '));
}

/** Held, or released, in some stores only is red. */
async function reportHold(report: HoldReport, ended: Ended): Promise<void> {
  ended.report = report;
  await publishHold(report, ended.out);
  const failures = report.stores.filter(({ error }) => error !== null);
  if (failures.length === 0) return;
  ended.wrong(`Lifeboat: ${report.command} failed`, failures.map(({ url, error }) => `${url}: ${error}`).join(' '));
}

/** The runner sends SIGINT, SIGTERM after 7.5 s, and kills 2.5 s later. */
function cancellation(ended: Ended, log: Log): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const hasEnded = ended.report !== null || ended.failure !== null;
      const what = hasEnded ? 'the run has ended, its end is told in haste.' : 'cancelling.';
      if (!controller.signal.aborted) log.info(`${signal}: ${what}`);
      controller.abort();
    });
  }
  return controller.signal;
}

async function fail(
  command: string,
  error: unknown,
  cancelled: AbortSignal,
  progress: Progress,
  ended: Ended,
): Promise<void> {
  ended.cancelled = cancelled.aborted;
  const title = cancelled.aborted ? 'Lifeboat: cancelled' : `Lifeboat: ${command} failed`;
  const kept = error instanceof LeftBehind ? error.left : 'Nothing was kept of it.';
  const message = cancelled.aborted ? `The run was cancelled (${progress.current}). ${kept}` : messageOf(error);
  logOrigin(error, ended.out.log, cancelled.aborted);
  await publishFailure(title, message, ended.out);
  ended.wrong(title, message);
}
