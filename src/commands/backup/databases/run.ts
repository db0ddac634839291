import { randomBytes } from 'node:crypto';
import { LifeboatError, messageOf } from '../../../errors.ts';
import { makeId } from '../../../formats/id.ts';
import { isNamed, selectDatabases, type WantedDatabases } from '../../../formats/inventory/databases.ts';
import { setNameOf } from '../../../formats/names.ts';
import { connectServer } from '../../../postgres/session/connect.ts';
import { listDatabases } from '../../../postgres/session/databases.ts';
import type { Session } from '../../../postgres/session/session.ts';
import { listTables } from '../../../postgres/snapshot/tables.ts';
import { logOrigin } from '../../../report/log.ts';
import { Progress } from '../../../report/progress.ts';
import type { Run } from '../../shared/run.ts';
import type { BackupSettings } from '../inputs.ts';
import { type BackupPlan, planBackup } from '../plan.ts';
import { backup } from '../run.ts';
import type { DatabaseResult, DatabasesReport } from './report.ts';

/** The database that every server has for people to connect to. It is most often empty. */
const MAINTENANCE = 'postgres';

export type ManySettings = BackupSettings & { databases: WantedDatabases };

/**
 * Backs up the databases that are wanted, one after the other, each into its own set. One that fails does not stop the
 * others. Throws when the list of them cannot be made; else the report tells what each came to.
 */
export async function backupDatabases(settings: ManySettings, run: Run): Promise<DatabasesReport> {
  const started = run.now();
  const { databases, leftOut } = await run.progress.stage('list databases', () => chooseDatabases(settings, run));
  const results: DatabaseResult[] = [];
  for (const database of databases) results.push(await backUp(database, settings, run));
  return {
    command: 'backup-databases',
    started: started.toISOString(),
    finished: run.now().toISOString(),
    duration: Math.round(run.progress.elapsed()),
    databases: results,
    leftOut,
  };
}

async function backUp(database: string, settings: ManySettings, run: Run): Promise<DatabaseResult> {
  const progress = new Progress(run.log);
  const own = { ...run, progress };
  const outcome = run.signal.aborted
    ? ({ outcome: 'not-begun', error: null, report: null } as const)
    : await run.log.group(`Database ${JSON.stringify(database)}`, () => tryBackup(database, settings, own));
  const [ended, duration] = [run.now().toISOString(), Math.round(progress.elapsed())];
  return { database, name: setNameOf(database), ...outcome, ended, duration };
}

async function tryBackup(
  database: string,
  settings: ManySettings,
  run: Run,
): Promise<Pick<DatabaseResult, 'outcome' | 'error' | 'report'>> {
  try {
    const report = await backup(settingsOf(database, settings), run);
    const failures = report.stores.filter(({ error }) => error !== null);
    if (failures.length === 0) return { outcome: 'complete', error: null, report };
    const missing = failures.map(({ url, error }) => `missing in ${url}: ${error}`).join(' ');
    return { outcome: 'incomplete', error: missing, report };
  } catch (error) {
    if (run.signal.aborted) {
      const { current } = run.progress;
      return { outcome: 'cancelled', error: `cancelled (${current}); nothing was kept of it.`, report: null };
    }
    run.log.info(messageOf(error));
    logOrigin(error, run.log);
    return { outcome: 'failed', error: messageOf(error), report: null };
  }
}

/** `dry-run`: what a backup of each would do. A database for which that cannot be said is named, and fails the run. */
export async function planDatabases(settings: ManySettings, run: Run): Promise<BackupPlan> {
  const { databases, leftOut } = await run.progress.stage('list databases', () => chooseDatabases(settings, run));
  const plans: BackupPlan[] = [];
  for (const database of databases) plans.push(await planDatabase(database, settings, run));
  return {
    tables: plans.reduce((sum, { tables }) => sum + tables, 0),
    databaseSize: plans.reduce((sum, { databaseSize }) => sum + databaseSize, 0),
    lines: [...leftOut.map(leftOutLine), ...plans.flatMap(({ lines }) => lines)],
    problems: plans.flatMap(({ problems }) => problems),
  };
}

async function planDatabase(database: string, settings: ManySettings, run: Run): Promise<BackupPlan> {
  try {
    return await planBackup(settingsOf(database, settings), run);
  } catch (error) {
    run.signal.throwIfAborted();
    logOrigin(error, run.log);
    const [name, reason] = [JSON.stringify(database), messageOf(error)];
    return {
      tables: 0,
      databaseSize: 0,
      lines: [`would fail to dump database ${name}: ${reason}`],
      problems: [`${name}: ${reason}`],
    };
  }
}

function settingsOf(database: string, settings: ManySettings): BackupSettings {
  return { ...settings, databases: null, connection: { ...settings.connection, PGDATABASE: database } };
}

/** Before anything is dumped, and by a connection of its own, so that nothing is held open while they are backed up. */
async function chooseDatabases(settings: ManySettings, run: Run): Promise<{ databases: string[]; leftOut: string[] }> {
  const { databases: wanted, allowEmpty } = settings;
  const selected = selectDatabases(wanted, await queryServer(settings, run, listDatabases));
  const isEmpty =
    selected.includes(MAINTENANCE) && !isNamed(MAINTENANCE, wanted) && !allowEmpty && (await hasNoTable(settings, run));
  const leftOut = isEmpty ? [MAINTENANCE] : [];
  const databases = selected.filter((name) => !leftOut.includes(name));
  if (databases.length === 0) {
    throw new LifeboatError(
      `databases: all that fits is database ${JSON.stringify(MAINTENANCE)}, and it holds no table. Nothing was backed up. Look whether database-url names the right server.`,
    );
  }
  for (const name of leftOut) run.log.info(leftOutLine(name));
  run.log.info(`Databases to back up: ${databases.map((name) => JSON.stringify(name)).join(', ')}`);
  return { databases, leftOut };
}

function leftOutLine(name: string): string {
  return `Database ${JSON.stringify(name)} holds no table and is left out. Name it on a line of its own to have it backed up.`;
}

/** One that does not let us in is not known to be empty: its backup will tell why. */
async function hasNoTable(settings: ManySettings, run: Run): Promise<boolean> {
  try {
    const tables = await queryServer(settingsOf(MAINTENANCE, settings), run, listTables);
    return tables.length === 0;
  } catch (error) {
    if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
    return false;
  }
}

async function queryServer<T>(
  { connection, toolset }: BackupSettings,
  run: Run,
  question: (session: Session) => Promise<T>,
): Promise<T> {
  const id = makeId(run.now(), randomBytes(4).toString('hex'));
  const context = { signal: run.signal, track: run.track, onStderr: (line: string) => run.log.info(`  | ${line}`) };
  const { session } = await connectServer(connection, toolset, id, context);
  try {
    return await question(session);
  } finally {
    session.kill();
  }
}
