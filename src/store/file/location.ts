import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';
import { decodePath, hasOddSegment, hideQuery, windowsPath } from '../url-text.ts';

/** A folder of this machine. */
export interface FileLocation {
  kind: 'file';
  url: string;
  /** Absolute, without a slash at its end. */
  path: string;
}

/** `file:///path`: `rest` is what follows the scheme. */
export function parseFileUrl(line: string, rest: string): FileLocation {
  const fix = 'Write file:// and the whole path of a folder, such as file:///srv/backups.';
  if (/^(\/\/)?\/?[a-z]:[\\/]/i.test(rest)) throw windowsPath(line);
  if (!rest.startsWith('///'))
    throw new LifeboatError(`${quote(hideQuery(line))} is not an absolute path after file://. ${fix}`);
  if (/[?#]/.test(rest)) {
    throw new LifeboatError(
      `${quote(hideQuery(line))} is followed by ? or #. Write these characters of a path as %3F and %23.`,
    );
  }
  if (/\$|^\/\/\/~/.test(rest)) {
    throw new LifeboatError(
      `${quote(hideQuery(line))}: no shell reads this, so $ and ~ stand for nothing. Write the path itself, or an expression such as \${{ runner.temp }}.`,
    );
  }
  const path = decodePath(rest.slice(2), line).replace(/\/+$/, '');
  if (path === '') throw new LifeboatError(`${quote(line)} is the root of the file system. ${fix}`);
  if (hasControlCharacter(path) || hasOddSegment(path.slice(1))) {
    throw new LifeboatError(`${quote(line)} has an empty part, "." or ".." in its path. ${fix}`);
  }
  return { kind: 'file', url: line.replace(/\/+$/, ''), path };
}

export function placeOfFile({ path }: FileLocation): string {
  return `file:${path}/`;
}
