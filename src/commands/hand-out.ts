import { LifeboatError } from '../errors.ts';
import { connectingTool, type Server } from '../postgres/connection.ts';
import { runTool, ToolError } from '../stream/child.ts';

/** Runs the user's SQL, masking say, in the restored database, and gives the URL with which later steps connect. */
export async function handOut(server: Server, afterRestore: string | null): Promise<string> {
  if (afterRestore !== null) await runFile(server, afterRestore);
  return urlOf(server.connection);
}

/** All of it or nothing: a database that is half masked must not be handed out. */
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

/** A socket's folder is the parameter `host` of a URI (PostgreSQL, 34.1.1.2). */
function urlOf({
  PGHOST = '',
  PGPORT = '5432',
  PGUSER = '',
  PGPASSWORD,
  PGDATABASE = '',
  PGSSLMODE,
}: Record<string, string>): string {
  const socket = PGHOST.startsWith('/');
  const password = PGPASSWORD === undefined ? '' : `:${encodeURIComponent(PGPASSWORD)}`;
  const host = socket ? '' : PGHOST.includes(':') ? `[${PGHOST}]` : PGHOST;
  const parameters = new URLSearchParams({
    ...(socket ? { host: PGHOST } : {}),
    ...(PGSSLMODE === undefined ? {} : { sslmode: PGSSLMODE }),
  }).toString();
  const query = parameters === '' ? '' : `?${parameters}`;
  return `postgresql://${encodeURIComponent(PGUSER)}${password}@${host}:${PGPORT}/${encodeURIComponent(PGDATABASE)}${query}`;
}
