import { LifeboatError } from '../../errors.ts';
import { runAfter, runUserCommand, titleOf } from '../../process/user-commands.ts';
import type { Run } from '../shared/run.ts';

/** The user's own commands around a swap, each as its program and arguments: they stop what uses the database, and start it again. */
export interface SwapCommands {
  before: string[][];
  after: string[][];
  /** All that they get of ours: it holds no input and no secret. */
  env: Record<string, string>;
}

/**
 * Runs the commands of `before`, then `swap`, then those of `after`: these in any case, once the first have begun, also
 * when the run is cancelled, or by the `post:` step when it is killed. Returns which of `after` failed, in words.
 */
export async function betweenCommands(commands: SwapCommands, run: Run, swap: () => Promise<void>): Promise<string[]> {
  const { after, env } = commands;
  run.signal.throwIfAborted(); // Nothing was stopped yet, so nothing is to be started.
  let failures: string[] = [];
  const forget = after.length === 0 ? () => {} : run.track({ kind: 'after' });
  try {
    if (commands.before.length > 0) await run.progress.stage('before', () => runBefore(commands, run));
    await swap();
  } finally {
    if (after.length > 0) failures = await run.progress.stage('after', () => runAfter(after, { ...run, env }));
    forget();
  }
  return failures;
}

/** The first that fails is the last: what it was to stop may still be at work. */
async function runBefore({ before, env }: SwapCommands, run: Run): Promise<void> {
  for (const [index, command] of before.entries()) {
    const failure = await runUserCommand(titleOf('before', before, index), command, { ...run, env });
    run.signal.throwIfAborted();
    if (failure !== null) throw new LifeboatError(failure);
  }
}
