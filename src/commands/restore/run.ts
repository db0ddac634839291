import { LeftBehind, LifeboatError } from '../../errors.ts';
import { startOf } from '../../formats/id.ts';
import { type Wanted, wantedRelations } from '../../formats/inventory/selection.ts';
import type { Verdict } from '../../formats/restore-test/record.ts';
import { swapDatabases } from '../../postgres/restore/swap.ts';
import { openRestoreTarget, type RestoreTarget } from '../../postgres/restore/target.ts';
import { unexpectedNotice } from '../../postgres/toolset/toolset.ts';
import { type Comparison, mergeComparisons } from '../../proof/compare.ts';
import { verdictOf, worstFirst } from '../../proof/verdict.ts';
import { type ChosenBackup, chooseBackup } from '../../repository/find-backup.ts';
import { formatAge } from '../../units.ts';
import { type LoadedBackup, loadBackup } from '../shared/load.ts';
import {
  damageOf,
  type OpenedBackup,
  openBackup,
  requireManifest,
  type TrustedManifest,
} from '../shared/open-backup.ts';
import { openStores } from '../shared/open-stores.ts';
import { withinRestoreTimeout } from '../shared/restore-timeout.ts';
import type { Run } from '../shared/run.ts';
import { selectFromBackup } from '../shared/select-backup.ts';
import { verifyBackup } from '../shared/verify.ts';
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
  try {
    const chosen = await progress.stage('choose backup', () => chooseBackup(stores, settings, run));
    progress.about = { set: chosen.set, database: live, backup: chosen.id };
    const age = ageOf(chosen, started);
    log.info(
      `Restore of backup ${chosen.id} of set ${JSON.stringify(chosen.set)} from ${chosen.store.url}, ${formatAge(age / 1000)} old`,
    );
    warnOfAge(chosen, age, settings.maxAge, log);
    const { trusted, opened } = await requireReadable(() => openChosen(chosen, settings, run), NOTHING_CHANGED, run);
    const { wanted } = settings;
    if (wanted !== null) wantedRelations(opened.inventory, wanted); // A name that does not exist needs no server.
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
    for (const line of unexpectedNotice(target.server.toolset)) run.log.info(line);
    for (const line of target.loginTriggers) run.log.warning(line);
    try {
      const backup = wanted === null ? opened : await selectWanted(opened, wanted, target, run);
      const swap = planSwap(live, chosen.id, target, settings);
      const plan = planLines(swap, backup, target, settings);
      for (const line of plan) log.info(settings.dryRun ? `[dry-run] ${line}` : line);
      const planned = { backup, target, swap, settings };
      const outcome = settings.dryRun ? NOT_RESTORED : await runRestore(planned, run);
      return reportOf({ chosen, trusted, planned, plan, started }, outcome, run);
    } finally {
      await target.close();
    }
  } finally {
    for (const store of stores) store.close();
  }
}

async function openChosen(
  chosen: ChosenBackup,
  settings: RestoreSettings,
  run: Run,
): Promise<{ trusted: TrustedManifest; opened: OpenedBackup }> {
  const trusted = requireManifest(chosen, settings);
  const source = { store: chosen.store, decryption: settings.decryption, withoutSums: 'read-twice' } as const;
  return { trusted, opened: await openBackup(trusted.manifest, source, run) };
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

function selectWanted(
  opened: OpenedBackup,
  wanted: Wanted,
  { server }: RestoreTarget,
  run: Run,
): Promise<OpenedBackup> {
  return run.progress.stage('choose what to restore', () =>
    requireReadable(() => selectFromBackup(opened, wanted, server), NOTHING_CHANGED, run),
  );
}

/** Said only where it is known: nothing of the backup was given to the server. */
const NOTHING_CHANGED = 'Nothing was changed.';

/** A restore needs a backup that can be read: what a restore test would report, ends this. */
async function requireReadable<T>(read: () => Promise<T>, consequence: string, run: Run): Promise<T> {
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

/** A restore that is planned in full. */
interface PlannedRestore {
  backup: OpenedBackup;
  target: RestoreTarget;
  swap: PlannedSwap;
  settings: RestoreSettings;
}

/** What a restore came to. */
type RestoreOutcome = Comparison &
  Pick<
    RestoreReport,
    | 'verdict'
    | 'restoredDatabase'
    | 'replaced'
    | 'previousDatabase'
    | 'createdRoles'
    | 'commandFailures'
    | 'filesTo'
    | 'restoreTime'
  >;

/** Of a dry run. */
const NOT_RESTORED: RestoreOutcome = {
  verdict: null,
  restoredDatabase: null,
  replaced: false,
  previousDatabase: null,
  createdRoles: [],
  commandFailures: [],
  filesTo: null,
  restoreTime: null,
  ...mergeComparisons([]),
};

/** What a restore was made of. */
interface RestoreFacts {
  chosen: ChosenBackup;
  trusted: TrustedManifest;
  planned: PlannedRestore;
  /** In words. */
  plan: string[];
  started: Date;
}

function reportOf(
  { chosen, trusted, planned, plan, started }: RestoreFacts,
  outcome: RestoreOutcome,
  { now, progress }: Run,
): RestoreReport {
  const { backup, target, swap, settings } = planned;
  const { findings, tables, verified, notVerified } = mergeComparisons([trusted, outcome]);
  return {
    command: 'restore',
    id: chosen.id,
    name: chosen.set,
    store: chosen.store.url,
    target: swap.live,
    part: backup.selection?.part ?? null,
    created: backup.manifest.created,
    serverVersion: target.version,
    signatureVerified: trusted.signatureVerified,
    dryRun: settings.dryRun,
    plan,
    ...outcome,
    findings: worstFirst(findings),
    verified,
    notVerified,
    tables,
    started: started.toISOString(),
    finished: now().toISOString(),
    duration: Math.round(progress.elapsed()),
    restoreTime: outcome.restoreTime === null ? null : Math.round(outcome.restoreTime),
    stages: progress.stages.map(({ name, milliseconds }) => ({ name, milliseconds: Math.round(milliseconds) })),
  };
}

async function runRestore(planned: PlannedRestore, run: TimedRun): Promise<RestoreOutcome> {
  const { backup, target, swap, settings } = planned;
  const names = settings.createRoles ? rolesToMake(target, backup.inventory) : [];
  const roles = backup.inventory.roles.filter(({ name }) => names.includes(name));
  const into = { scratch: target, database: swap.restored, jobs: settings.jobs, roles };
  const consequence = `Database ${JSON.stringify(swap.live)} was not renamed.`;
  const loaded = await requireReadable(() => loadBackup(backup, into, run), consequence, run);
  const found = await verifyRestored(loaded, planned, run);
  run.isRestored();
  const verdict = verdictOf(found.findings);
  const isSwapped = swap.swap && maySwap(verdict, settings);
  const commandFailures = isSwapped ? await swapIn(planned, run) : [];
  return {
    ...found,
    verdict,
    restoredDatabase: isSwapped ? swap.live : swap.restored,
    replaced: isSwapped && swap.before !== null,
    previousDatabase: isSwapped ? swap.before : null,
    createdRoles: roles.map(({ name }) => name),
    commandFailures,
    filesTo: backup.inventory.files.length > 0 ? settings.filesTo : null,
    restoreTime: loaded.restoreTime,
  };
}

async function verifyRestored(
  loaded: LoadedBackup,
  { swap, settings }: PlannedRestore,
  run: TimedRun,
): Promise<Comparison> {
  const { made } = loaded.restored;
  try {
    return mergeComparisons(await Array.fromAsync(verifyBackup(loaded, checksOf(settings), run)));
  } catch (error) {
    if (!run.signal.aborted) throw notVerified(error, swap);
    await made.remove(error);
    throw error;
  } finally {
    made.keep(); // It is verified and there to be used, or gone, or named.
  }
}

/** Returns which of the user's commands after the swap failed, in words. */
async function swapIn({ target, swap, settings }: PlannedRestore, run: TimedRun): Promise<string[]> {
  const options = { timeout: settings.swapTimeout, at: run.atSwap };
  try {
    return await betweenCommands(settings.commands, run, () =>
      run.progress.stage('swap', () => swapDatabases(target, swap, options)),
    );
  } catch (error) {
    throw notSwapped(error, swap);
  }
}

function notVerified(error: unknown, { restored }: PlannedSwap): LeftBehind {
  const left = `What was restored is in database ${JSON.stringify(restored)}, and not verified. Its code may have run on the server. Check it, or drop it and restore again.`;
  return new LeftBehind(left, error);
}

/** When the connection was lost at that very moment, it is not known whether the swap came through. */
function notSwapped(error: unknown, { restored, live }: PlannedSwap): LeftBehind {
  const left = `The restored database is verified, and is ${JSON.stringify(restored)}; when there is none of that name, it is ${JSON.stringify(live)} already.`;
  return new LeftBehind(left, error);
}

function maySwap(verdict: Verdict, { acceptUnverified }: RestoreSettings): boolean {
  return verdict === 'proven' || (verdict === 'could-not-verify' && acceptUnverified);
}
