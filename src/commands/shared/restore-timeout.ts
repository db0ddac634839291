import { LeftBehind, LifeboatError } from '../../errors.ts';
import { formatDuration } from '../../units.ts';
import type { Run } from './run.ts';

/**
 * Restores with a run that ends like a cancelled one when the time is over: the tools and the server of the restore are
 * ended, and what it created is removed. `act` calls `isRestored` when the rest must not be interrupted any more.
 */
export async function withinRestoreTimeout<T>(
  timeout: number | null,
  run: Run,
  act: (run: Run, isRestored: () => void) => Promise<T>,
): Promise<T> {
  if (timeout === null) return await act(run, () => {});
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeout);
  const isRestored = () => clearTimeout(timer);
  try {
    return await act({ ...run, signal: AbortSignal.any([run.signal, late.signal]) }, isRestored);
  } catch (error) {
    if (!late.signal.aborted || run.signal.aborted) throw error;
    throw timeoutError(timeout, run, error);
  } finally {
    clearTimeout(timer);
  }
}

function timeoutError(timeout: number, { progress }: Run, error: unknown): LifeboatError {
  const left = error instanceof LeftBehind ? error.left : 'What it had restored was removed.';
  return new LifeboatError(
    `The restore did not end within restore-timeout (${formatDuration(timeout)}) and was ended (${progress.current}). ${left} ` +
      'Raise restore-timeout if this database takes longer; otherwise find out what in the backup does not end: a function ' +
      'in an index, a constraint or a materialized view runs while it is restored.',
    { cause: error },
  );
}
