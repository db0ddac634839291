import { open } from 'node:fs/promises';
import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';

/** What a line of the password file is matched with. */
export interface PasswordQuery {
  /** As libpq would compare it: a name, an address, `localhost` for the default socket. */
  host: string;
  port: string;
  database: string;
  user: string;
}

/** The folders of the socket in PostgreSQL's own build and in Debian's and the RPMs'. */
const DEFAULT_SOCKETS = ['', '/tmp', '/var/run/postgresql', '/run/postgresql'];

/**
 * The password from a password file that was named explicitly (PostgreSQL, "The Password File"), or null when no line fits.
 * libpq ignores, with a warning, a file that others can read; that is an error here, for the backup would then fail anyway.
 */
export async function readPassfile(path: string, query: PasswordQuery): Promise<string | null> {
  const text = await readPrivateFile(path);
  const host = DEFAULT_SOCKETS.includes(query.host) ? 'localhost' : query.host;
  const wanted = [host, query.port, query.database, query.user];
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line.replace(/\r$/, ''));
    const password = fields[4];
    if (password !== undefined && wanted.every((value, index) => matchesField(fields[index] ?? '', value)))
      return unescapeField(password);
  }
  return null;
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new LifeboatError(
      `the password file ${quote(path)} cannot be read (${error.code}). Correct PGPASSFILE or the file's rights.`,
    );
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile())
      throw new LifeboatError(`the password file ${quote(path)} is not a plain file. Correct PGPASSFILE.`);
    if (stat.mode & 0o077) {
      throw new LifeboatError(`the password file ${quote(path)} can be read by others. Run: chmod 0600 on it.`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Split at each `:` that has no backslash before it; what follows the fifth field is not part of the password. */
function fieldsOf(line: string): string[] {
  return [...`:${line}`.matchAll(/:((?:[^:\\]|\\.|\\$)*)/gs)].map(([, field = '']) => field);
}

function matchesField(field: string, value: string): boolean {
  return field === '*' || unescapeField(field) === value;
}

function unescapeField(field: string): string {
  return field.replace(/\\(.)/gs, '$1');
}
