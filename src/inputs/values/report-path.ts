import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';

/** Where a page is to be written: a name that browsers open, in a folder that exists. Absolute. */
export function parseReportPath(text: string): string {
  if (hasControlCharacter(text) || !/[^/]\.html?$/i.test(text)) {
    throw new LifeboatError(`${quote(text)} is not the path of a page. Write one that ends in .html, on one line.`);
  }
  const path = resolve(text);
  if (isFolder(path)) throw new LifeboatError(`${quote(text)} is a folder. Write the path of a file.`);
  if (!isFolder(dirname(path))) {
    throw new LifeboatError(
      `the folder of ${quote(text)} does not exist. Create it in a step before, or write a path in the workspace, such as backups.html.`,
    );
  }
  return path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
