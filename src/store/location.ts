import { LifeboatError } from '../errors.ts';
import { hasControlCharacter, parseLines, quote } from '../text.ts';
import { type FileLocation, parseFileUrl, placeOfFile } from './file/location.ts';
import { parseRcloneUrl, placeOfRclone, type RcloneLocation } from './rclone/location.ts';
import { parseS3Url, placeOfS3, type S3Location } from './s3/location.ts';
import { parseSshUrl, placeOfSsh, type SshLocation } from './ssh/location.ts';
import { hideQuery, URL_EXAMPLES, windowsPath } from './url-text.ts';

/** A place for backups, as the user named it. `url` is for messages and holds no secret. */
export type StoreLocation = FileLocation | S3Location | SshLocation | RcloneLocation;

/** One URL a line. No store may be, or lie in, another: one would list the other's files as its own. */
export function parseStores(text: string): StoreLocation[] {
  const stores = parseLines(text, parseStore);
  if (stores.length === 0) throw new LifeboatError(`no store is given. Write one URL a line, ${URL_EXAMPLES}.`);
  for (const [index, store] of stores.entries()) {
    for (const other of stores.slice(0, index)) refuseOverlap(other, store);
  }
  return stores;
}

function parseStore(line: string): StoreLocation {
  refuseCredentials(line);
  if (hasControlCharacter(line)) throw new LifeboatError(`${quote(line)} holds a control character. Remove it.`);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(line)?.[1]?.toLowerCase();
  if (scheme === undefined) throw notAUrl(line);
  const rest = line.slice(scheme.length + 1);
  switch (scheme) {
    case 'file':
      return parseFileUrl(line, rest);
    case 's3':
      return parseS3Url(line, rest);
    case 'ssh':
      return parseSshUrl(line, rest);
    case 'rclone':
      return parseRcloneUrl(line, rest);
    case 'sftp':
    case 'scp':
    case 'rsync':
      throw new LifeboatError(
        `${quote(hideQuery(line))}: write ssh://user@host/path for a server that is reached by ssh.`,
      );
    case 'http':
    case 'https':
      throw new LifeboatError(
        `${quote(hideQuery(line))} is a web address. Write s3://bucket/prefix here, and the server's address in s3-endpoint.`,
      );
    default:
      if (scheme.length === 1) throw windowsPath(line);
      throw new LifeboatError(
        `${quote(hideQuery(line))}: stores of the kind ${quote(scheme)} are not known. Write a URL ${URL_EXAMPLES}.`,
      );
  }
}

/** A user, a password or a port before the path. Nothing of such a line is shown. */
function refuseCredentials(line: string): void {
  if (!carriesCredentials(line)) return;
  throw new LifeboatError(
    `a URL with a user, a password or a port in it (not shown). Keys belong in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or ssh-key, and the S3 server in s3-endpoint; write a URL ${URL_EXAMPLES}.`,
  );
}

function carriesCredentials(line: string): boolean {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z][a-z0-9+.-]+):\/{0,2}([^/]*)(.*)$/is.exec(line) ?? [];
  switch (scheme.toLowerCase()) {
    case 'file':
    case 's3':
      // A secret key can hold a slash, after which no @ is to be found in the authority: the colon says enough.
      return /[@:]/.test(authority) && !/^[a-z]:/i.test(authority);
    case 'ssh':
    case 'sftp':
    case 'scp':
    case 'rsync':
      if (/^[^@:]*@?(\[[^\]]*\]|[^@:]*)(:\d*)?$/.test(authority)) return false;
      return /:.*@/s.test(authority + rest);
    default:
      return /@/.test(authority + rest);
  }
}

function notAUrl(line: string): LifeboatError {
  if (/^\\\\|^[a-z]:/i.test(line)) return windowsPath(line);
  if (line.startsWith('/'))
    return new LifeboatError(`${quote(line)} is a path, not a URL. Write ${quote(`file://${line}`)}.`);
  return new LifeboatError(
    `${quote(hideQuery(line))} is not a URL; a relative path could mean several folders. Write a URL ${URL_EXAMPLES}.`,
  );
}

function refuseOverlap(a: StoreLocation, b: StoreLocation): void {
  const [placeA, placeB] = [placeOf(a), placeOf(b)];
  if (placeA === placeB) {
    throw new LifeboatError(`${quote(b.url)} is listed twice. Remove one of the two lines.`);
  }
  for (const [outer, inner, place] of [
    [a, b, placeA],
    [b, a, placeB],
  ] as const) {
    if (placeOf(inner).startsWith(place)) {
      throw new LifeboatError(
        `${quote(inner.url)} lies inside ${quote(outer.url)}, which would then list the other's backups as its own. Give each store a folder beside the other.`,
      );
    }
  }
}

/** Equal for two names of one place. A place that lies in another begins with the other's. */
function placeOf(store: StoreLocation): string {
  switch (store.kind) {
    case 'file':
      return placeOfFile(store);
    case 's3':
      return placeOfS3(store);
    case 'ssh':
      return placeOfSsh(store);
    case 'rclone':
      return placeOfRclone(store);
  }
}
