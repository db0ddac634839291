import { messageOf } from '../../errors.ts';
import type { StoreContext } from '../store.ts';

/** A file being written, or left so by a killed run. */
interface Unfinished {
  /** The key that it was for. */
  key: string;
  modified: Date;
}

/** Removes those from before `before`; one that cannot be removed is logged. Returns the keys of the removed ones. */
export async function sweepUnfinished<T extends Unfinished>(
  unfinished: T[],
  before: Date,
  remove: (file: T) => Promise<void>,
  context: StoreContext,
): Promise<string[]> {
  const swept: string[] = [];
  for (const file of unfinished) {
    if (file.modified >= before) continue;
    try {
      await remove(file);
      swept.push(file.key);
    } catch (error) {
      context.info(`An unfinished file of an earlier run was not removed: ${messageOf(error)}`);
    }
  }
  return swept;
}

/** The time of the newest; null when there is none. */
export function newestOf(unfinished: Unfinished[]): Date | null {
  const times = unfinished.map(({ modified }) => modified.getTime());
  return times.length === 0 ? null : new Date(Math.max(...times));
}
