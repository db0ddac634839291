import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatDuration } from '../src/units.ts';
import { type ActionResult, runPost, startAction } from '../test/support/action/harness.ts';
import { type PostgresServer, startPostgres } from '../test/support/servers/postgres.ts';
import { closeRun, openRun } from '../test/support/servers/run.ts';
import { compareWithBackup } from './demo/compare-with-backup.ts';
import { copyWithFlippedBit, type FlippedBit } from './demo/flip-bit.ts';
import { compareRows, restoreByHand, runByHand } from './demo/read-back.ts';
import { RunnerLog } from './demo/runner-log.ts';
import { createShop } from './demo/shop.ts';
import { summaryText, upTo } from './demo/summary-text.ts';
import { install } from './install-servers.ts';

/**
 * A backup from end to end on this machine alone: a server, a shop's database, the Action, and the way back; the restore
 * test that proves it, and the same test when one row or one bit is not what it was.
 */
async function demo(folder: string): Promise<void> {
  const server = await step('Starting a PostgreSQL server of our own', () => startPostgres());
  await step('Filling a database with a shop', async () => console.log(await createShop(server)));

  const store = join(folder, 'backups');
  mkdirSync(store, { mode: 0o700 });
  const passphrase = randomBytes(24).toString('base64url');
  const given = { store: pathToFileURL(store).href, passphrase };
  const source = { 'database-url': server.url('shop'), fingerprint: 'content' };
  const result = await step('Running the Action, as a runner does: its log', () =>
    runAction({ ...given, ...source }, { exitCode: 0 }),
  );
  heading('The job summary');
  console.log(summaryText(result.summary));

  const tested = await step('The restore test: the backup is restored into a throwaway server and compared', () =>
    runAction({ ...given, command: 'restore-test' }, { exitCode: 0 }),
  );
  heading('Its job summary, the beginning');
  console.log(summaryText(upTo(tested.summary, 'Time')));

  const backup = join(store, 'shop', result.outputs.id ?? '');
  const line = restoreByHand(backup, 'shop_restored');
  await step(
    `Reading the backup with standard tools alone (gpg would ask you for the passphrase):\n\n    ${line}\n`,
    async () => {
      await server.createDatabase('shop_restored');
      await runByHand(line, passphrase, server, folder);
      const { equal, text } = await compareRows(server, 'shop', 'shop_restored');
      console.log(text);
      if (!equal) throw new Error('the restored database differs from the original');
    },
  );
  console.log('\nThe restored database holds the same rows.');

  await step(
    "Damaging that copy on purpose: one customer's city. The restore test's comparison, before and after",
    () => damageOneRow(server, store, result.outputs.id ?? '', passphrase),
  );

  const damaged = copyWithFlippedBit(store, join(folder, 'damaged'), 'shop', result.outputs.id ?? '');
  const red = await step(`Damaging a copy of the stored backup: ${said(damaged)}. The restore test must be red`, () =>
    runAction({ ...given, store: pathToFileURL(damaged.store).href, command: 'restore-test' }, { exitCode: 1 }),
  );
  console.log(`\n${summaryText(upTo(red.summary, 'Tables'))}`);
  console.log(`\nA good backup was proven, a damaged one was not. All of this was in ${folder}, which is removed now.`);
}

/** Every count stays right, so only the content of the rows can tell. */
async function damageOneRow(server: PostgresServer, store: string, id: string, passphrase: string): Promise<void> {
  const compared = async () => {
    const { verdict, findings } = await compareWithBackup(server, 'shop_restored', {
      store,
      set: 'shop',
      id,
      passphrase,
    });
    const found = findings.map(({ kind, object, message }) => `\n     ${kind} ${object}: ${message}`);
    console.log(`  ${verdict === 'proven' ? '✅' : '❌'} ${verdict}${found.join('')}`);
    return verdict;
  };
  const before = await compared();
  const statement = "UPDATE customers SET city = 'Atlantis' WHERE id = 4242";
  console.log(`  ${statement};`);
  await server.psql('shop_restored', statement);
  const after = await compared();
  if (before !== 'proven' || after !== 'failed') throw new Error('the comparison did not tell the two apart');
}

function said({ file, at, size }: FlippedBit): string {
  return `one bit of ${file} (byte ${at.toLocaleString('en-US')} of ${size.toLocaleString('en-US')})`;
}

/** Main and post, what main prints shown as it comes. */
async function runAction(inputs: Record<string, string>, expected: { exitCode: number }): Promise<ActionResult> {
  // On GitHub's own runners a folder is gone with the job, and the Action says so.
  const running = startAction(inputs, { env: { RUNNER_ENVIRONMENT: 'self-hosted' } });
  const log = new RunnerLog((line) => console.log(`  ${line}`));
  let seen = 0;
  const show = () => {
    const printed = running.printed();
    log.write(printed.slice(seen));
    seen = printed.length;
  };
  const timer = setInterval(show, 50);
  const result = await running.finished.finally(() => clearInterval(timer));
  show();
  log.end();
  await runPost(result);
  if (result.exitCode === expected.exitCode) return result;
  throw new Error(`the Action ended with ${result.exitCode ?? result.signal}, not with ${expected.exitCode}`);
}

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  if (cancelled) throw new Error('cancelled');
  heading(title);
  const started = performance.now();
  const result = await work();
  console.log(`(${formatDuration(performance.now() - started)})`);
  return result;
}

function heading(title: string): void {
  console.log(`\n=== ${title}`);
}

let cancelled = false;

/** Ctrl-C: every process of the demo ends, so whatever is awaited fails, and there is nothing left to begin. */
function cancelOn(signal: NodeJS.Signals): void {
  process.once(signal, () => {
    cancelled = true;
    console.log(`\n${signal}: stopping everything`);
    void closeRun();
  });
}

try {
  install(['postgres']);
  const folder = openRun();
  cancelOn('SIGINT');
  cancelOn('SIGTERM');
  await demo(folder);
} catch (error) {
  if (!cancelled) console.error(`\n${(error as Error).message}`);
  process.exitCode = cancelled ? 130 : 1;
} finally {
  await closeRun();
}
