import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StoreError } from '../store.ts';
import { codeOf } from './errors.ts';

/**
 * Opens an object to read it: a regular file and nothing else. A link is not followed, and a pipe is not waited for
 * (open(2), O_NOFOLLOW and O_NONBLOCK); what was opened is looked at, not the name, which may lead elsewhere by then.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    // ELOOP: a link. ENXIO: a socket.
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'ENXIO') throw notRegular(path);
    throw error;
  });
  try {
    requireRegular(await file.stat(), path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A folder is no object, as in every store; whatever else is not a regular file is not one of ours. */
export function requireRegular(found: Stats, path: string): void {
  if (found.isFile()) return;
  if (found.isDirectory()) throw new StoreError('not-found', `${JSON.stringify(path)} is not a file.`);
  throw notRegular(path);
}

function notRegular(path: string): StoreError {
  return new StoreError(
    'unusable',
    `${JSON.stringify(path)} is not a regular file but a link, a pipe, a socket or a device: Lifeboat did not create it. Find out what did, and remove it.`,
  );
}
