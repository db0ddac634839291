import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';
import { decodePath, hasOddSegment, hideQuery } from '../url-text.ts';

/** A folder on a server that is reached by ssh. */
export interface SshLocation {
  kind: 'ssh';
  url: string;
  user: string;
  /** In small letters; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** Absolute, or from the user's home folder; without a slash at its end. */
  path: string;
  /** null: SFTP, and rsync when the server offers no SFTP. */
  via: 'rsync' | null;
}

const HOW_TO_WRITE =
  "Write ssh://user@host/path or ssh://user@host:port/path, with /~/ before a path in the user's home folder.";

/** `ssh://user@host:port/path`, what stands behind the scheme. */
export function parseSshUrl(line: string, all: string): SshLocation {
  const via = /\?via=rsync$/.test(all) ? 'rsync' : null;
  const rest = via === null ? all : all.slice(0, -'?via=rsync'.length);
  const wrong = (what: string) => new LifeboatError(`${quote(hideQuery(line))} ${what}. ${HOW_TO_WRITE}`);
  if (/[?#]/.test(rest))
    throw wrong('is followed by ? or #, which a path has as %3F and %23; ?via=rsync alone may follow');
  const [, user = '', bracketed, plain, port, path] =
    /^\/\/(?:([^@/:]*)@)?(?:\[([^\]/]*)\]|([^@:/[\]]*))(?::([^/]*))?(\/.*)?$/s.exec(rest) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase();
  if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(host) && !/^[0-9a-f:.]*:[0-9a-f:.]*(%[a-z0-9]+)?$/.test(host)) {
    throw wrong('does not name a server');
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(user)) throw wrong('does not say as which user to log in');
  if (path === undefined || /^\/*$/.test(path)) {
    throw wrong('has no path: backups belong into a folder, not into the root of the file system');
  }
  return {
    kind: 'ssh',
    url: `ssh:${rest.replace(/\/+$/, '')}${via === null ? '' : `?via=${via}`}`,
    user,
    host,
    port: port === undefined ? 22 : portOf(port, wrong),
    path: pathOf(path, line, wrong),
    via,
  };
}

export function placeOfSsh({ user, host, port, path }: SshLocation): string {
  return `ssh:${user}@${host}:${port}:${path}/`;
}

function portOf(text: string, wrong: (what: string) => LifeboatError): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw wrong(`has ${quote(text)} for a port, which is a number up to 65535; after a colon no path can stand`);
}

function pathOf(text: string, line: string, wrong: (what: string) => LifeboatError): string {
  const path = decodePath(text, line).replace(/\/+$/, '');
  const below = path.replace(/^\/(~\/)?/, '');
  if (hasControlCharacter(path) || hasOddSegment(below) || below.startsWith('~') || below.startsWith('-')) {
    throw wrong('has an empty part, ".", "..", or a ~ or - at the beginning of its path');
  }
  return path.startsWith('/~/') ? below : path;
}
