import { LifeboatError } from '../errors.ts';
import { quote } from '../text.ts';

/** How a message shows what a store's URL looks like. */
export const URL_EXAMPLES =
  'such as s3://bucket/prefix, ssh://user@host/path, rclone:remote:path or file:///srv/backups';

/** What is shown of a URL: a query can hold keys. */
export function hideQuery(line: string): string {
  return line.replace(/\?.*/s, '?…');
}

export function hasOddSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
}

export function decodePath(path: string, line: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new LifeboatError(
      `${quote(line)} holds a % that is no percent-encoded character. Write a % of the path as %25.`,
    );
  }
}

export function windowsPath(line: string): LifeboatError {
  return new LifeboatError(
    `${quote(hideQuery(line))} looks like a Windows path; Lifeboat runs on Linux runners. Write a URL ${URL_EXAMPLES}.`,
  );
}
