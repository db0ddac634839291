import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';
import type { Environment } from '../schema.ts';
import { ENVIRONMENT_NAMES, FILE_PARAMETERS, IGNORED, REFUSED } from './libpq-parameters.ts';

/** Where the packages of Debian, of RPM systems, and PostgreSQL's own build look for the system's file. */
const SYSTEM_FOLDERS = ['/etc/postgresql-common', '/etc/sysconfig/pgsql', '/usr/local/pgsql/etc', '/etc'];

/**
 * The parameters of a service (PostgreSQL, "The Connection Service File"), read by us: the tools get no service file.
 * `file`: the one that was named; null: the user's, then the system's, as libpq does. No value of the file is in an error.
 */
export async function readService(
  service: string,
  file: string | null,
  env: Environment,
): Promise<Map<string, string>> {
  const candidates = file === null ? defaultFiles(env) : [file];
  for (const path of candidates) {
    const text = await readServiceFile(path, file !== null);
    const parameters = text === null ? null : findService(text, service, path);
    if (parameters) return parameters;
  }
  throw new LifeboatError(
    `the service ${quote(service)} stands in none of ${candidates.map(quote).join(', ')}. Correct its name or PGSERVICEFILE.`,
  );
}

function defaultFiles(env: Environment): string[] {
  const folders = env.PGSYSCONFDIR ? [env.PGSYSCONFDIR] : SYSTEM_FOLDERS;
  return [join(env.HOME || homedir(), '.pg_service.conf'), ...folders.map((folder) => join(folder, 'pg_service.conf'))];
}

async function readServiceFile(path: string, named: boolean): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !named) return null;
    throw new LifeboatError(
      `the service file ${quote(path)} cannot be read (${code}). Correct PGSERVICEFILE or the file's rights.`,
    );
  }
}

/** The first section of that name; of each parameter the first line counts, as in libpq. */
function findService(text: string, service: string, path: string): Map<string, string> | null {
  let parameters: Map<string, string> | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (parameters) return parameters;
      if (line.startsWith(`[${service}]`)) parameters = new Map();
    } else if (parameters) {
      keepSetting(line, parameters, `line ${index + 1} of the service file ${quote(path)}`);
    }
  }
  return parameters;
}

function keepSetting(line: string, parameters: Map<string, string>, where: string): void {
  const equals = line.indexOf('=');
  const name = line.slice(0, Math.max(equals, 0));
  if (line.startsWith('ldap'))
    throw new LifeboatError(`${where} asks an LDAP server, which Lifeboat does not. Write the parameters themselves.`);
  if (IGNORED.has(name)) return;
  const known = ENVIRONMENT_NAMES.has(name) || name === 'passfile';
  if (!known) {
    const refused = REFUSED.get(name) ?? (FILE_PARAMETERS.has(name) ? 'a service cannot name another' : undefined);
    throw new LifeboatError(
      `${where} ${refused === undefined ? 'is not name=value with a parameter of libpq, without blanks around the =' : `cannot be used: ${refused}`}. Correct it.`,
    );
  }
  if (!parameters.has(name)) parameters.set(name, line.slice(equals + 1));
}
