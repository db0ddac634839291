import { isId } from '../catalog/id.ts';
import { parseRecordFile, type Verdict } from '../catalog/record.ts';
import { StoreError } from '../store/store.ts';
import type { ChosenBackup } from './choose-backup.ts';

/**
 * Of the set's newest restore test until now, whichever backup it was of, by the names of the records; null: there was
 * none, or it cannot be told, which is no reason to fail a test.
 */
export async function verdictBefore({ store, set }: ChosenBackup): Promise<Verdict | null> {
  let last: { time: string; verdict: Verdict } | null = null;
  try {
    for await (const { key } of store.list(`${set}/`)) {
      const [, id = '', ...file] = key.split('/');
      const record = isId(id) ? parseRecordFile(file.join('/')) : null;
      if (record !== null && (last === null || record.time >= last.time)) last = record;
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
  return last?.verdict ?? null;
}
