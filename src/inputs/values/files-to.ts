import { readdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LifeboatError, messageOf } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';

/** Where file trees are unpacked: a folder that does not exist yet, or is empty, so that nothing is overwritten. Absolute. */
export function parseFilesTo(text: string): string {
  if (hasControlCharacter(text))
    throw new LifeboatError(`${quote(text)} holds a control character. Write a path on one line.`);
  const folder = resolve(text);
  if (!isFolder(dirname(folder))) {
    throw new LifeboatError(
      `${quote(dirname(folder))} does not exist. Write a folder in one that does, such as /srv/restored.`,
    );
  }
  if (!isEmpty(folder)) {
    throw new LifeboatError(
      `${quote(text)} exists and is not an empty folder. Name a new one: nothing is overwritten.`,
    );
  }
  return folder;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTDIR') return false;
    throw new LifeboatError(`${quote(path)} cannot be used: ${messageOf(error)}. Name a new folder.`, { cause: error });
  }
}
