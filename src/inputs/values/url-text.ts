import { LifeboatError } from '../../errors.ts';
import { quote } from './text.ts';

/** What is shown of a URL: a query can hold keys. */
export function shown(line: string): string {
  return line.replace(/\?.*/s, '?…');
}

export function hasOddSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
}

export function decoded(path: string, line: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new LifeboatError(
      `${quote(line)} holds a % that is no percent-encoded character. Write a % of the path as %25.`,
    );
  }
}
