import { LeftBehind, LifeboatError } from '../../errors.ts';
import { startOf } from '../../formats/id.ts';
import { type Wanted, wantedRelations } from '../../formats/inventory/selection.ts';
import type { Verdict } from '../../formats/restore-test/record.ts';
import { swapDatabases } from '../../postgres/restore/swap.ts';
import { openRestoreTarget, type RestoreTarget } from '../../postgres/restore/target.ts';
import { unexpected } from '../../postgres/toolset/toolset.ts';
import { verdictOf, worstFirst } from '../../proof/verdict.ts';
import { type ChosenBackup, chooseBackup } from '../../repository/find-backup.ts';
import { formatAge } from '../../units.ts';
import { load } from '../shared/load.ts';
import { damageOf, type Examination, newExamination, type OpenedBackup, openBackup } from '../shared/open-backup.ts';
import { openStores } from '../shared/open-stores.ts';
import { withinRestoreTimeout } from '../shared/restore-timeout.ts';
import type { Run } from '../shared/run.ts';
import { selectFromBackup } from '../shared/select-backup.ts';
import { verify } from '../shared/verify.ts';
import { checksOf } from './files.ts';
import type { RestoreSettings } from './inputs.ts';
import { type PlannedSwap, planLines, planSwap, rolesToMake } from './plan.ts';
import type { RestoreReport } from './report.ts';
import { betweenCommands } from './swap-commands.ts';

/**
 * Restores a backup beside the live database, verifies it like a restore test, and only then, when it was asked to,
 * gives it the live one's name. Whatever goes wrong before that leaves the live database untouched.
 */
export function restore(settings: RestoreSettings, run: Run): Promise<RestoreReport> {
  return withinRestoreTimeout(settings.restoreTimeout, run, (timed, isRestored) =>
    restoreBackup(settings, { ...timed, isRestored }),
  );
}

/** `isRestored` is called before the swap, which must not be interrupted by the restore's timeout. */
type TimedRun = Run & { isRestored(): void };

async function restoreBackup(settings: RestoreSettings, run: TimedRun): Promise<RestoreReport> {
  const { progress, log } = run;
  const started = run.now();
  const live = settings.connection.PGDATABASE ?? '';
  progress.about.database = live;
  const stores = await progress.stage('open stores', () => openStores(settings, run));
  const found = newExamination();
  try {
    const chosen = await progress.stage('choose backup', () => chooseBackup(stores, settings, run));
    progress.about = { set: chosen.set, database: live, backup: chosen.id };
    const age = ageOf(chosen, started);
    log.info(
      `Restore of backup ${chosen.id} of set ${JSON.stringify(chosen.set)} from ${chosen.store.url}, ${formatAge(age / 1000)} old`,
    );
    warnOfAge(chosen, age, settings.maxAge, log);
    const opened = await readable(
      () => openBackup(chosen, { ...settings, withoutSums: 'read-twice' }, run, found),
      NOTHING_CHANGED,
      run,
    );
    const { wanted } = settings;
    if (wanted !== null) wantedRelations(opened.inventory, wanted); // A name that is not there needs no server.
    const clientMajor = Number.parseInt(opened.manifest.clientVersion, 10);
    const context = { signal: run.signal, track: run.track };
    const target = await progress.stage('connect', () =>
      openRestoreTarget({
        connection: settings.connection,
        choice: settings.toolset,
        clientMajor,
        id: chosen.id,
        context,
      }),
    );
    for (const line of unexpected(target.server.toolset)) run.log.info(line);
    for (const line of target.loginTriggers) run.log.warning(line);
    try {
      const backup = wanted === null ? opened : await select(opened, wanted, target, run);
      const swap = planSwap(live, chosen.id, target, settings);
      const plan = planLines(swap, backup, target, settings);
      const report: RestoreReport = {
        command: 'restore',
        id: chosen.id,
        name: chosen.set,
        store: chosen.store.url,
        target: live,
        part: backup.selection?.part ?? null,
        created: backup.manifest.created,
        serverVersion: target.version,
        signatureVerified: found.signatureVerified,
        dryRun: settings.dryRun,
        plan,
        verdict: null,
        restoredDatabase: null,
        replaced: false,
        previousDatabase: null,
        createdRoles: [],
        commandFailures: [],
        filesTo: null,
        findings: [],
        verified: [],
        notVerified: [],
        tables: [],
        started: started.toISOString(),
        finished: started.toISOString(),
        duration: 0,
        restoreTime: null,
        stages: [],
      };
      for (const line of plan) log.info(settings.dryRun ? `[dry-run] ${line}` : line);
      if (!settings.dryRun) await runCommand(report, swap, backup, target, settings, run, found);
      return finish(report, found, run);
    } finally {
      await target.close();
    }
  } finally {
    for (const store of stores) store.close();
  }
}

/** Milliseconds; 0 when it lies ahead. */
function ageOf({ id }: ChosenBackup, now: Date): number {
  return Math.max(0, now.getTime() - (startOf(id)?.getTime() ?? 0));
}

/** A restore of an old backup may be meant. When newer ones were deleted or hidden, this is what shows it. */
function warnOfAge({ id }: ChosenBackup, age: number, maxAge: number | null, log: Run['log']): void {
  if (maxAge === null || age <= maxAge) return;
  log.warning(
    `Backup ${id} is ${formatAge(age / 1000)} old, more than max-age allows (${formatAge(maxAge / 1000)}). If there should be a newer one, find out what has become of it: the command list shows what is there.`,
  );
}

function select(opened: OpenedBackup, wanted: Wanted, { server }: RestoreTarget, run: Run): Promise<OpenedBackup> {
  return run.progress.stage('choose what to restore', () =>
    readable(() => selectFromBackup(opened, wanted, server), NOTHING_CHANGED, run),
  );
}

/** Said only where it is known: nothing of the backup was given to the server. */
const NOTHING_CHANGED = 'Nothing was changed.';

/** A restore needs a backup that can be read: what a restore test would report, ends this. */
async function readable<T>(read: () => Promise<T>, consequence: string, run: Run): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (run.signal.aborted) throw error;
    const { kind, object, message } = damageOf(error);
    throw new LifeboatError(
      `The backup cannot be restored: ${kind} ${object}: ${message} ${consequence} Choose another one: the command list shows what exists.`,
      { cause: error },
    );
  }
}

async function runCommand(
  report: RestoreReport,
  swap: PlannedSwap,
  backup: OpenedBackup,
  target: RestoreTarget,
  settings: RestoreSettings,
  run: TimedRun,
  found: Examination,
): Promise<void> {
  const names = settings.createRoles ? rolesToMake(target, backup.inventory) : [];
  const roles = backup.inventory.roles.filter(({ name }) => names.includes(name));
  const { jobs } = settings;
  const consequence = `Database ${JSON.stringify(swap.live)} was not renamed.`;
  const restored = await readable(
    () => load(target, swap.restored, backup, { jobs, roles }, run, found),
    consequence,
    run,
  );
  report.restoredDatabase = swap.restored;
  report.createdRoles = roles.map(({ name }) => name);
  try {
    await verify(target, restored, backup, checksOf(settings), run, found);
    report.filesTo = backup.inventory.files.length > 0 ? settings.filesTo : null;
  } catch (error) {
    if (!run.signal.aborted) throw notVerified(error, swap);
    await restored.made.remove(error);
    throw error;
  } finally {
    restored.made.keep(); // It is verified and there to be used, or gone, or named.
  }
  run.isRestored();
  report.verdict = verdictOf(found.findings);
  if (!swap.swap || !maySwap(report.verdict, settings)) return;
  const { progress, atSwap } = run;
  await betweenCommands(settings.commands, run, report.commandFailures, () =>
    progress.stage('swap', () => swapDatabases(target, swap, { timeout: settings.swapTimeout, at: atSwap })),
  ).catch((error: unknown) => {
    throw notSwapped(error, swap);
  });
  report.replaced = swap.before !== null;
  report.previousDatabase = swap.before;
  report.restoredDatabase = swap.live;
}

function notVerified(error: unknown, { restored }: PlannedSwap): LeftBehind {
  const left = `What was restored is in database ${JSON.stringify(restored)}, and not verified. Its code may have run on the server. Check it, or drop it and restore again.`;
  return new LeftBehind(left, error);
}

/** When the connection was lost at that very moment, nobody has heard whether the swap came through. */
function notSwapped(error: unknown, { restored, live }: PlannedSwap): LeftBehind {
  const left = `The restored database is verified, and is ${JSON.stringify(restored)}; when there is none of that name, it is ${JSON.stringify(live)} already.`;
  return new LeftBehind(left, error);
}

function maySwap(verdict: Verdict, { acceptUnverified }: RestoreSettings): boolean {
  return verdict === 'proven' || (verdict === 'could-not-verify' && acceptUnverified);
}

function finish(report: RestoreReport, found: Examination, run: Run): RestoreReport {
  return {
    ...report,
    findings: worstFirst(found.findings),
    verified: found.verified,
    notVerified: found.notVerified,
    tables: found.tables,
    finished: run.now().toISOString(),
    duration: Math.round(run.progress.elapsed()),
    restoreTime: found.restoreTime === null ? null : Math.round(found.restoreTime),
    stages: run.progress.stages.map(({ name, milliseconds }) => ({ name, milliseconds: Math.round(milliseconds) })),
  };
}
