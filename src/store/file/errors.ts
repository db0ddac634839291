import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.ts';
import { StoreError, type StoreErrorCode } from '../store.ts';

const CODES: Record<string, StoreErrorCode> = {
  EACCES: 'denied',
  EDQUOT: 'full',
  EFBIG: 'full',
  ENOENT: 'not-found',
  ENOSPC: 'full',
  EPERM: 'denied',
  EROFS: 'denied',
};

const NEXT_STEPS: Record<string, string> = {
  EACCES: 'Give the user of this run rights to it.',
  EDQUOT: 'Raise the quota, or remove what is not needed.',
  EFBIG: 'Raise the limit for the length of a file (ulimit -f), or use a file system that takes longer ones.',
  ENOENT: 'Look whether something removes files there, or the disk was unmounted, and run again.',
  ENOSPC: 'Free space there, or use another store.',
  ENOTDIR: 'A part of the path is a file: name another folder.',
  EPERM: 'Give the user of this run rights to it.',
  EROFS: 'Its file system is read-only: name another folder.',
};

/** Does something with a file; a failure becomes a StoreError that names it. `needed`: bytes that were to be written. */
export async function withFileErrors<T>(path: string, work: () => Promise<T>, needed?: number): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await fileError(error, path, needed);
  }
}

/** Node's own codes for a failed system call: ENOENT, ENOSPC, … */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? '';
}

/** Makes an error for the user of a failure at `path`. */
export async function fileError(error: unknown, path: string, needed?: number): Promise<StoreError> {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const kind = CODES[code] ?? 'failed';
  const room = kind === 'full' ? await describeRoom(path, needed) : '';
  const step = NEXT_STEPS[code];
  const reason = code === 'ABORT_ERR' ? 'the run was cancelled' : messageOf(error);
  return new StoreError(
    kind,
    `The file store failed at ${JSON.stringify(path)}: ${reason}${room}.${step === undefined ? '' : ` ${step}`}`,
    { cause: error },
  );
}

async function describeRoom(path: string, needed: number | undefined): Promise<string> {
  const wanted = needed === undefined ? '' : `; ${needed} bytes were to be written`;
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return `${wanted}; ${bavail * bsize} bytes are free`;
  } catch {
    return wanted; // Only more words for the error that we are telling.
  }
}
