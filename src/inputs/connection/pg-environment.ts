import { userInfo } from 'node:os';
import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';
import type { Environment, InputLog } from '../schema.ts';
import { maskSecret } from '../secrets.ts';
import { parseConnectionString } from './database-url.ts';
import { ENVIRONMENT_NAMES, FILE_PARAMETERS } from './libpq-parameters.ts';
import { checkParameters, WEAK_SSL } from './pg-checks.ts';
import { hostsOf, isLocal, type PgHost } from './pg-hosts.ts';
import { PgParameters } from './pg-parameters.ts';
import { readPassfile } from './pg-passfile.ts';
import { readService } from './pg-service.ts';

/** Seconds. Without it libpq waits as long as the system's TCP does: minutes. */
const CONNECT_TIMEOUT = '30';

/**
 * Where to connect, as libpq's environment variables, complete: the tools get these and no others. In libpq's order:
 * the connection string, then the service, then PG* variables. Passwords out of files are masked as soon as they are read.
 * Neither ~/.pgpass nor a service that was not named is read: they could silently lead elsewhere.
 */
export async function resolveConnection(
  databaseUrl: string,
  env: Environment,
  log: InputLog,
): Promise<Record<string, string>> {
  const connectionString = databaseUrl === '' ? null : parseConnectionString(databaseUrl);
  for (const [name, reason] of connectionString?.ignored ?? [])
    log.notice(`database-url: ${name} is left out: ${reason}.`);
  const parameters = new PgParameters();
  parameters.add('database-url', connectionString?.parameters ?? new Map());
  await addService(parameters, env, log);
  parameters.add('environment', environmentParameters(env));
  checkParameters(parameters, connectionString?.form === 'uri');
  requireDatabase(parameters, connectionString !== null);

  const hosts = hostsOf(parameters);
  if (!parameters.value('user')) parameters.setDefault('user', userOfProcess());
  parameters.setDefault('connect_timeout', CONNECT_TIMEOUT);
  const sslMode = defaultSslMode(parameters, hosts);
  if (sslMode !== null) parameters.setDefault('sslmode', sslMode);
  warnOfPlainText(parameters, hosts, log);
  await addPasswordOfFile(parameters, hosts, log);
  return toEnvironment(parameters);
}

async function addService(parameters: PgParameters, env: Environment, log: InputLog): Promise<void> {
  const service = parameters.value('service') ?? env.PGSERVICE;
  if (!service) return;
  const file = parameters.value('servicefile') ?? env.PGSERVICEFILE;
  const settings = await readService(service, file || null, env);
  maskSecret('database-url', settings.get('password') ?? '', log);
  parameters.add('service', settings);
}

function environmentParameters(env: Environment): Map<string, string> {
  const found = new Map<string, string>();
  for (const [keyword, name] of [...ENVIRONMENT_NAMES, ...FILE_PARAMETERS]) {
    // A secret that does not exist is an empty variable, not an empty value.
    if (env[name]) found.set(keyword, env[name]);
  }
  return found;
}

/** Without a name libpq would take the database that is named like the user. */
function requireDatabase(parameters: PgParameters, hasUrl: boolean): void {
  if (parameters.value('dbname')) return;
  throw new LifeboatError(
    hasUrl
      ? 'it names no database, and neither does PGDATABASE. Name it, as in postgresql://host/database or dbname=shop.'
      : 'it is empty, and PGDATABASE is not set. Give a connection string such as postgresql://user:password@host:5432/database, or set PGHOST, PGUSER, PGPASSWORD and PGDATABASE.',
  );
}

/** As libpq does. */
function userOfProcess(): string {
  try {
    return userInfo().username;
  } catch {
    throw new LifeboatError(
      'it names no user, and the user of this process has no name. Name the user, or set PGUSER.',
    );
  }
}

/**
 * By default libpq asks for TLS but goes on without it. A connection that leaves this machine is encrypted here unless
 * sslmode says otherwise, and verified when a root certificate is given.
 */
function defaultSslMode(parameters: PgParameters, hosts: PgHost[]): string | null {
  if (parameters.value('sslrootcert')) return 'verify-full';
  return hosts.every(isLocal) ? null : 'require';
}

function warnOfPlainText(parameters: PgParameters, hosts: PgHost[], log: InputLog): void {
  const mode = parameters.value('sslmode');
  if (mode === undefined || !WEAK_SSL.includes(mode) || hosts.every(isLocal)) return;
  log.warning(
    `database-url: with sslmode=${mode} the password and the data can cross the network in plain text. Write sslmode=require, or verify-full with sslrootcert.`,
  );
}

async function addPasswordOfFile(parameters: PgParameters, hosts: PgHost[], log: InputLog): Promise<void> {
  const path = parameters.value('passfile');
  if (path === undefined || path === '/dev/null' || parameters.value('password')) return;
  const database = parameters.value('dbname') ?? '';
  const user = parameters.value('user') ?? '';
  const passwords = new Set<string | null>();
  for (const { host, address, port } of hosts) {
    const password = await readPassfile(path, { host: host || address, port, database, user });
    maskSecret('database-url', password ?? '', log);
    passwords.add(password);
  }
  const [password = null, ...others] = passwords;
  if (others.length > 0) {
    throw new LifeboatError(
      `the password file ${quote(path)} has different passwords for the hosts. Name one host, or give one password.`,
    );
  }
  if (password === null) {
    log.notice(`database-url: no line of the password file ${quote(path)} fits; going on without a password.`);
  } else {
    parameters.setDefault('password', password);
  }
}

function toEnvironment(parameters: PgParameters): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [keyword, name] of ENVIRONMENT_NAMES) {
    const value = parameters.value(keyword);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
