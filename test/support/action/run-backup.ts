import { HANG_LIMIT } from '../hang-limit.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { type ActionInputs, type ActionOptions, type ActionResult, runAction } from './harness.ts';
import type { StoreFolder } from './stored-backup.ts';

export const PASSPHRASE = 'a passphrase of the end-to-end tests';

/** The inputs of a backup with a passphrase into a folder. */
export function backupInputs(server: PostgresServer, database: string, store: StoreFolder): ActionInputs {
  return { 'database-url': server.url(database), store: store.url, passphrase: PASSPHRASE };
}

/** Runs the action as the runner does. Throws when it hangs. */
export async function runBackup(inputs: ActionInputs, options: ActionOptions = {}): Promise<ActionResult> {
  const limit = options.cancelAfter ?? HANG_LIMIT;
  const result = await runAction(inputs, { ...options, cancelAfter: limit });
  if (result.duration < limit) return result;
  throw new Error(`the run did not end within ${limit} ms and was cancelled:\n${result.stdout}`);
}

/** The annotations that make a step's result red. */
export function errorsOf({ annotations }: ActionResult): ActionResult['annotations'] {
  return annotations.filter(({ kind }) => kind === 'error');
}
