import { LifeboatError } from '../../errors.ts';
import { parseRcloneUrl, type RcloneLocation } from '../../store/rclone/location.ts';
import { parseSshUrl, type SshLocation } from '../../store/ssh/location.ts';
import type { Environment, InputLog } from '../schema.ts';
import { hasControlCharacter, parseLines, quote } from '../values/text.ts';
import { decoded, hasOddSegment, shown } from '../values/url-text.ts';

/** A place for backups, as the user named it. `url` is for messages and holds no secret. */
export type StoreLocation =
  | { kind: 'file'; url: string /** Absolute, without a slash at its end. */; path: string }
  | { kind: 's3'; url: string; bucket: string /** Without slashes at its ends; may be empty. */; prefix: string }
  | SshLocation
  | RcloneLocation;

const EXAMPLES = 'such as s3://bucket/prefix, ssh://user@host/path, rclone:remote:path or file:///srv/backups';

/** One URL a line. No store may be, or lie in, another: one would list the other's files as its own. */
export function parseStores(text: string): StoreLocation[] {
  const stores = parseLines(text, parseStore);
  if (stores.length === 0) throw new LifeboatError(`no store is given. Write one URL a line, ${EXAMPLES}.`);
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
      return fileStore(line, rest);
    case 's3':
      return s3Store(line, rest);
    case 'ssh':
      return parseSshUrl(line, rest);
    case 'rclone':
      return parseRcloneUrl(line, rest);
    case 'sftp':
    case 'scp':
    case 'rsync':
      throw new LifeboatError(`${quote(shown(line))}: write ssh://user@host/path for a server that is reached by ssh.`);
    case 'http':
    case 'https':
      throw new LifeboatError(
        `${quote(shown(line))} is a web address. Write s3://bucket/prefix here, and the server’s address in s3-endpoint.`,
      );
    default:
      if (scheme.length === 1) throw windowsPath(line);
      throw new LifeboatError(
        `${quote(shown(line))}: stores of the kind ${quote(scheme)} are not known. Write a URL ${EXAMPLES}.`,
      );
  }
}

function fileStore(line: string, rest: string): StoreLocation {
  const mend = 'Write file:// and the whole path of a folder, such as file:///srv/backups.';
  if (/^(\/\/)?\/?[a-z]:[\\/]/i.test(rest)) throw windowsPath(line);
  if (!rest.startsWith('///'))
    throw new LifeboatError(`${quote(shown(line))} is not an absolute path after file://. ${mend}`);
  if (/[?#]/.test(rest)) {
    throw new LifeboatError(
      `${quote(shown(line))} is followed by ? or #. Write these characters of a path as %3F and %23.`,
    );
  }
  if (/\$|^\/\/\/~/.test(rest)) {
    throw new LifeboatError(
      `${quote(shown(line))}: no shell reads this, so $ and ~ stand for nothing. Write the path itself, or an expression such as \${{ runner.temp }}.`,
    );
  }
  const path = decoded(rest.slice(2), line).replace(/\/+$/, '');
  if (path === '') throw new LifeboatError(`${quote(line)} is the root of the file system. ${mend}`);
  if (hasControlCharacter(path) || hasOddSegment(path.slice(1))) {
    throw new LifeboatError(`${quote(line)} has an empty part, "." or ".." in its path. ${mend}`);
  }
  return { kind: 'file', url: line.replace(/\/+$/, ''), path };
}

function s3Store(line: string, rest: string): StoreLocation {
  if (!rest.startsWith('//')) throw new LifeboatError(`${quote(shown(line))} lacks slashes. Write s3://bucket/prefix.`);
  if (/[?#]/.test(rest)) {
    throw new LifeboatError(
      `${quote(shown(line))} is followed by ? or #. Write s3://bucket/prefix alone; the server is named by s3-endpoint and the region by AWS_REGION.`,
    );
  }
  const [bucket = '', ...folders] = rest.slice(2).replace(/\/$/, '').split('/');
  if (!isBucketName(bucket)) {
    throw new LifeboatError(
      `${quote(bucket)} in ${quote(shown(line))} is not a bucket’s name. Write s3://bucket/prefix, the bucket with 3 to 63 small letters, digits, hyphens and dots.`,
    );
  }
  const prefix = folders.join('/');
  if (folders.length > 0 && hasOddSegment(prefix)) {
    throw new LifeboatError(
      `${quote(line)} has an empty part, "." or ".." in its prefix. Write s3://${bucket}/prefix.`,
    );
  }
  // A key has at most 1,024 bytes (S3, "Naming objects"), of which ours need up to 300.
  if (Buffer.byteLength(prefix) > 700)
    throw new LifeboatError(`${quote(line)} has a prefix of more than 700 bytes. Write a shorter one.`);
  return { kind: 's3', url: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`, bucket, prefix };
}

/** S3 User Guide, "General purpose bucket naming rules". */
function isBucketName(bucket: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(bucket)
  );
}

/** A user, a password or a port before the path. Nothing of such a line is shown. */
function refuseCredentials(line: string): void {
  if (!carriesCredentials(line)) return;
  throw new LifeboatError(
    `a URL with a user, a password or a port in it (not shown). Keys belong in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or ssh-key, and the S3 server in s3-endpoint; write a URL ${EXAMPLES}.`,
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
    `${quote(shown(line))} is not a URL; a relative path could mean several folders. Write a URL ${EXAMPLES}.`,
  );
}

function windowsPath(line: string): LifeboatError {
  return new LifeboatError(
    `${quote(shown(line))} looks like a Windows path; Lifeboat runs on Linux runners. Write a URL ${EXAMPLES}.`,
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
        `${quote(inner.url)} lies inside ${quote(outer.url)}, which would then list the other’s backups as its own. Give each store a folder beside the other.`,
      );
    }
  }
}

function placeOf(store: StoreLocation): string {
  switch (store.kind) {
    case 'file':
      return `file:${store.path}/`;
    case 's3':
      return store.prefix === '' ? `s3:${store.bucket}/` : `s3:${store.bucket}/${store.prefix}/`;
    case 'ssh':
      return `ssh:${store.user}@${store.host}:${store.port}:${store.path}/`;
    case 'rclone':
      return `rclone:${store.remote}:${store.path}/`;
  }
}

/** Warns of folders that do not outlive the job. */
export function warnOfFleetingStores(stores: StoreLocation[], env: Environment, log: InputLog): void {
  const swept = [env.GITHUB_WORKSPACE, env.RUNNER_TEMP].filter((folder) => folder !== undefined && folder !== '');
  for (const store of stores) {
    if (store.kind !== 'file') continue;
    if (env.RUNNER_ENVIRONMENT === 'github-hosted') {
      log.warning(
        `store: ${quote(store.url)} is on a GitHub-hosted runner, whose disk is gone when the job ends. Copy it away, or use an s3: or ssh: store.`,
      );
    } else if (swept.some((folder) => `${store.path}/`.startsWith(`${folder}/`))) {
      log.warning(
        `store: ${quote(store.url)} lies in a folder that the runner empties (the next checkout, the next job). Use one outside.`,
      );
    }
  }
}
