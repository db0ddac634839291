import { LifeboatError } from '../../errors.ts';
import { ENVIRONMENT_NAMES, FILE_PARAMETERS, FOREIGN, IGNORED, REFUSED } from './libpq-parameters.ts';

/** A connection string, taken apart. */
export interface ConnectionString {
  form: 'uri' | 'keywords';
  /** By libpq's keyword, decoded; of each the last that was given. */
  parameters: Map<string, string>;
  /** Names of parameters that are left out, with the reason. */
  ignored: Map<string, string>;
}

export const ENCODE_HINT =
  'If the user, the password or the name holds characters such as @ : / ? # % or a space, percent-encode them (@ is %40, / is %2F, % is %25).';

const FORMS =
  'Write postgresql://user:password@host:5432/database, or keywords such as host=db.example.com dbname=shop user=backup.';

/**
 * Takes libpq's connection strings apart as libpq does (PostgreSQL, "Connection Strings"), so that libpq never sees one:
 * its errors quote pieces of the password. Ours quote nothing of the string, and what libpq would
 * guess about (an `@` or `?` that is not encoded) is an error.
 */
export function parseConnectionString(text: string): ConnectionString {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme === 'postgresql://' || scheme === 'postgres://') return parseUri(text.slice(scheme.length));
  if (scheme !== undefined) {
    throw new LifeboatError(`the URL begins with neither postgresql:// nor postgres://. ${FORMS}`);
  }
  if (/^["'`]/.test(text)) throw new LifeboatError(`it begins with a quote. Remove the quotes around it. ${FORMS}`);
  if (!text.includes('=')) throw new LifeboatError(`it is neither a URL nor keywords with values. ${FORMS}`);
  return parseKeywords(text);
}

/** `user:password@host:port,host:port/dbname?param=value`, what follows the scheme. */
function parseUri(rest: string): ConnectionString {
  if (/\s/.test(rest)) throw new LifeboatError(`the URL holds a space or a line break. ${ENCODE_HINT}`);
  const result: ConnectionString = { form: 'uri', parameters: new Map(), ignored: new Map() };
  const [, userInfo, hosts = '', path = '', query = ''] =
    /^(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(rest) ?? [];
  parseUserInfo(userInfo ?? '', result);
  parseHosts(hosts, result);
  // Most likely an @ or / of a password: libpq would send it to a host that does not exist, or does.
  if (path.includes('@')) throw new LifeboatError(`the URL holds an @ after its first single slash. ${ENCODE_HINT}`);
  setUnlessEmpty(result, 'dbname', decodePart(path));
  if (query !== '') for (const parameter of query.split('&')) parseQueryParameter(parameter, result);
  return result;
}

function parseUserInfo(userInfo: string, result: ConnectionString): void {
  if (userInfo.includes('?')) throw new LifeboatError(`the URL holds a ? before an @. ${ENCODE_HINT}`);
  const colon = userInfo.indexOf(':');
  setUnlessEmpty(result, 'user', decodePart(colon < 0 ? userInfo : userInfo.slice(0, colon)));
  if (colon >= 0) setUnlessEmpty(result, 'password', decodePart(userInfo.slice(colon + 1)));
}

function parseHosts(text: string, result: ConnectionString): void {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const item of text.split(',')) {
    const match = /^(?:\[([^[\]]+)\]|([^:[\]@]*))(?::([^:]*))?$/.exec(item);
    if (!match) {
      throw new LifeboatError(
        `the part of the URL that names the host cannot be read. Write host:port, or [address]:port for IPv6. ${ENCODE_HINT}`,
      );
    }
    hosts.push(decodePart(match[1] ?? match[2] ?? ''));
    ports.push(decodePart(match[3] ?? ''));
  }
  setUnlessEmpty(result, 'host', hosts.join(','));
  setUnlessEmpty(result, 'port', ports.join(','));
}

function parseQueryParameter(text: string, result: ConnectionString): void {
  const [name = '', value, ...more] = text.split('=');
  if (value === undefined || more.length > 0) {
    throw new LifeboatError(
      `a parameter after the ? of the URL is not name=value. Percent-encode = in a value as %3D. ${ENCODE_HINT}`,
    );
  }
  // JDBC's word, which libpq takes too.
  if (name === 'ssl' && value === 'true') addParameter(result, 'sslmode', 'require');
  else addParameter(result, decodePart(name), decodePart(value));
}

/** `name = value name='quoted value'`, with `\` before a quote or a backslash. */
function parseKeywords(text: string): ConnectionString {
  const result: ConnectionString = { form: 'keywords', parameters: new Map(), ignored: new Map() };
  const pair =
    /[ \t-\r]*([^ \t-\r=]+)[ \t-\r]*=[ \t-\r]*(?:'((?:[^'\\]|\\.)*)'|((?:[^ \t-\r\\']|\\.)(?:[^ \t-\r\\]|\\.)*)?)/gsy;
  let end = 0;
  while (/[^ \t-\r]/.test(text.slice(end))) {
    pair.lastIndex = end;
    const match = pair.exec(text);
    if (!match) {
      throw new LifeboatError(
        `the keywords cannot be read${end === 0 ? '' : ' to the end'}. Write name=value, with blanks between; a value with blanks in single quotes, and \\' or \\\\ for ' or \\ in it.`,
      );
    }
    end = pair.lastIndex;
    addParameter(result, match[1] ?? '', (match[2] ?? match[3] ?? '').replace(/\\(.)/gs, '$1'));
  }
  return result;
}

function addParameter(result: ConnectionString, name: string, value: string): void {
  const ignored =
    IGNORED.get(name) ?? (FOREIGN.has(name) ? 'a parameter of another driver or a pooler, not of libpq' : undefined);
  const refused = REFUSED.get(name);
  if (ignored !== undefined) {
    result.ignored.set(name, ignored);
  } else if (refused !== undefined) {
    throw new LifeboatError(`the parameter ${name} cannot be used: ${refused}. Remove it.`);
  } else if (ENVIRONMENT_NAMES.has(name) || FILE_PARAMETERS.has(name)) {
    result.parameters.set(name, value);
  } else {
    throw new LifeboatError(
      `it has a parameter that libpq does not know (not shown, for it could be a piece of a password). Known are ${[...ENVIRONMENT_NAMES.keys()].join(', ')}. Correct or remove it.${result.form === 'uri' ? ` ${ENCODE_HINT}` : ''}`,
    );
  }
}

/** What a URI leaves out comes from elsewhere, while `name=` after the `?` or as a keyword says: libpq's own default. */
function setUnlessEmpty(result: ConnectionString, name: string, value: string): void {
  if (value !== '') result.parameters.set(name, value);
}

function decodePart(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw new LifeboatError(
      `the URL holds a % that is not followed by two hex digits, or bytes that are not UTF-8. ${ENCODE_HINT}`,
    );
  }
  if (decoded.includes('\0')) throw new LifeboatError('the URL holds %00, which cannot be part of a value. Remove it.');
  return decoded;
}
