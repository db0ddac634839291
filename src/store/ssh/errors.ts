import { reasonOf } from '../reason.ts';
import { StoreError, type StoreErrorCode } from '../store.ts';

/** Answers of an SFTP server (SSH File Transfer Protocol 02, section 7). */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const FAILURE = 4;

const CODES: Record<number, StoreErrorCode> = { [NO_SUCH_FILE]: 'not-found', [PERMISSION_DENIED]: 'denied' };

const NEXT_STEPS: Partial<Record<StoreErrorCode, string>> = {
  'not-found': ' Look whether something removes files there, or a disk was unmounted, and run again.',
  denied: ' Give the user that logs in rights to it.',
};

/** The server's answer to a request, when it gave one; null: it did not answer, or the connection was lost. */
export function statusOf(error: unknown): number | null {
  const code = (error as { code?: unknown } | null)?.code;
  return !(error instanceof StoreError) && typeof code === 'number' ? code : null;
}

export function isNotFound(error: unknown): boolean {
  return statusOf(error) === NO_SUCH_FILE;
}

/** SFTP's word for a full disk, a file that is there already, a folder that is not empty. */
export function isPlainFailure(error: unknown): boolean {
  return statusOf(error) === FAILURE;
}

export function isFile(path: string, place: string): StoreError {
  return new StoreError('failed', `${JSON.stringify(path)} on ${place} is a file: name a folder.`);
}

/** Makes an error for the user of what failed at `path`. `place` names user, server and port. */
export function sftpError(error: unknown, place: string, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = CODES[statusOf(error) ?? FAILURE] ?? 'failed';
  const message = `The ssh store failed at ${JSON.stringify(path)} on ${place}: ${reasonOf(error)}.${NEXT_STEPS[code] ?? ''}`;
  return new StoreError(code, message, { cause: error });
}
