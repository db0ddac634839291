import type { Verdict } from '../../formats/restore-test/record.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { StoreError } from '../../store/store.ts';

/**
 * Of the set's newest restore test that counts until now, of any backup; null: there was none, or it cannot be read, and a
 * test does not fail because of that.
 */
export async function verdictBefore(backups: BackupSet): Promise<Verdict | null> {
  try {
    const { test } = await backups.lastTest();
    return test?.verdict ?? null;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}
