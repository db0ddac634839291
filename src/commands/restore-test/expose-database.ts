import { LifeboatError } from '../../errors.ts';
import type { Assertion } from '../../formats/restore-test/assertion.ts';
import { runAfterRestore } from '../../postgres/restore/after-restore/run.ts';
import { withReadOnlyQueries } from '../../postgres/scratch/read-only-queries.ts';
import type { Server } from '../../postgres/session/connection.ts';
import { connectionUrl } from '../../postgres/session/connection-url.ts';
import { failedAssertions } from '../../proof/assertions.ts';
import type { Run } from '../shared/run.ts';
import { QUERY_TIMEOUT } from '../shared/verify.ts';
import type { RestoreTestSettings } from './inputs.ts';

/**
 * Runs the user's SQL in the restored database, then the assertions once more, and only then gives the URL with which
 * later steps connect.
 */
export async function exposeDatabase(
  server: Server,
  { afterRestore, assertions }: Pick<RestoreTestSettings, 'afterRestore' | 'assertions'>,
  run: Run,
): Promise<string> {
  if (afterRestore !== null) {
    await run.progress.stage('after-restore', () => runAfterRestore(server, afterRestore));
    await requireAssertions(server, assertions);
  }
  return connectionUrl(server.connection);
}

/** They held before the user's SQL: what does not hold now is its doing, and says nothing of the backup. */
async function requireAssertions(server: Server, assertions: Assertion[]): Promise<void> {
  if (assertions.length === 0) return;
  const failed = await withReadOnlyQueries(server, QUERY_TIMEOUT, (ask) => failedAssertions(assertions, ask));
  server.context.signal.throwIfAborted();
  if (failed.length === 0) return;
  const reasons = failed.map(({ object, message }) => `${JSON.stringify(object)}: ${message}`).join(' ');
  throw new LifeboatError(
    `after-restore: the database was not handed out and is gone, because assertions that held before it do not hold after it. ${reasons} Correct the file, or the assertion.`,
  );
}
