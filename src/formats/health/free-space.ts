import { formatBytes } from '../../units.ts';
import { failed, notEvaluated, notRequested, passed, type Rule } from './rule.ts';

/** What is known of a store. */
export interface StoreFacts {
  /** `bytes`: null where a store has no end, as S3. */
  freeSpace: { bytes: number | null } | { problem: string };
}

/** A disk has at least `min-free-space` left. */
export const freeSpace: Rule<StoreFacts> = {
  name: 'free space',
  judge({ freeSpace }, { minFreeSpace }) {
    if (minFreeSpace === null) return notRequested('min-free-space');
    if ('problem' in freeSpace) return notEvaluated([freeSpace.problem], 'Look at the disk yourself.');
    if (freeSpace.bytes === null) return notRequested('only for file: stores');
    const found = [`${formatBytes(freeSpace.bytes)} are free.`, `At least ${formatBytes(minFreeSpace)} is required.`];
    if (freeSpace.bytes >= minFreeSpace) return passed(...found);
    return failed(found, 'Free space there, keep fewer backups, or use a larger disk.');
  },
};
