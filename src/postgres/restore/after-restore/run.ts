import { LifeboatError } from '../../../errors.ts';
import { runTool, ToolError } from '../../../process/child.ts';
import { connectingTool, type Server } from '../../session/connection.ts';
import { Session } from '../../session/session.ts';
import { refreshMaterializedViews } from './materialized-views.ts';
import { rewriteEverything } from './rewrite.ts';
import { disableUserCode, restoreUserCode } from './user-code.ts';

/**
 * Runs the user's SQL file, masking say, in the restored database, so that what it replaces is gone: nothing of the
 * source's own code fires meanwhile, and nothing that was computed from the old values stays. Throws otherwise; the
 * database is then not fit for use.
 */
export async function runAfterRestore(server: Server, file: string): Promise<void> {
  const before = await inSession(server, disableUserCode);
  await runFile(server, file);
  await inSession(server, async (session) => {
    await refreshMaterializedViews(session);
    await rewriteEverything(session);
    await restoreUserCode(session, before);
  });
}

async function inSession<T>(server: Server, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await Session.open(server, 'restore');
  try {
    const result = await work(session);
    await session.close();
    return result;
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    throw new LifeboatError(
      `after-restore: the database was not handed out and is gone, because what the file replaces could still be found in it. ${error.message}`,
      { cause: error },
    );
  } finally {
    session.kill();
  }
}

/** All of it or nothing. It may use whatever psql offers. */
async function runFile(server: Server, file: string): Promise<void> {
  const options = ['--no-psqlrc', '--no-password', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=terse'];
  const spec = connectingTool(server, 'psql', 'restore', [...options, '--single-transaction', `--file=${file}`]);
  const { signal, track } = server.context;
  try {
    await runTool(spec, { signal, track });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new LifeboatError(
      `after-restore: ${JSON.stringify(file)} failed, so the database was not handed out and is gone. psql said: ${error.stderr.split('\n')[0]}`,
      { cause: error },
    );
  }
}
