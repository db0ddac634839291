import { isSumsFile, parseVolumeFile, SIGNATURE_FILE } from './names.ts';
import { parseRecordFile } from './restore-test/record.ts';

/** A run that has written nothing for so long is not under way any more. Milliseconds. */
const STALE_AFTER = 24 * 60 * 60 * 1000;

/** A folder in which no manifest was listed. */
export interface LeftoverFolder {
  /** Names in the folder, and when each was written by the store's clock. */
  files: { file: string; modified: Date }[];
  /** When the newest upload that is still open in it was begun, by the store's clock. */
  newestUpload: Date | null;
  /** A prune has written down that it deletes this backup, and has begun with its manifest. */
  wasPruned: boolean;
}

/**
 * Why a folder without a manifest must not be removed; null when a killed run has left it, or a prune that was
 * interrupted. `storeNow` is the store's own time, for its dates are held against it.
 */
export function whyNotLeftover({ files, newestUpload, wasPruned }: LeftoverFolder, storeNow: Date): string | null {
  const isRemovable = wasPruned ? isOfPrunedBackup : isVolume;
  const other = files.find(({ file }) => !isRemovable(file));
  if (other !== undefined) return `it holds ${JSON.stringify(other.file)}, which no run that failed leaves`;
  const newest = Math.max(...files.map(({ modified }) => modified.getTime()), newestUpload?.getTime() ?? 0);
  if (newest > staleBefore(storeNow).getTime()) return 'it was written to in the last 24 h: a run may be under way';
  return null;
}

/** What was written before is no longer under way. */
export function staleBefore(storeNow: Date): Date {
  return new Date(storeNow.getTime() - STALE_AFTER);
}

function isVolume(file: string): boolean {
  return parseVolumeFile(file) !== null || isSumsFile(file);
}

/** Not what holds it: that was put there later, by someone who wants to keep it. */
function isOfPrunedBackup(file: string): boolean {
  return isVolume(file) || isSidecar(file);
}

/** A sidecar file of a manifest, deleted with it: its signature, and restore tests' records and theirs. */
export function isSidecar(file: string): boolean {
  return file === SIGNATURE_FILE || parseRecordFile(file.replace(/\.asc$/, '')) !== null;
}
