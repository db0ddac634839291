import { LifeboatError, messageOf } from '../errors.ts';
import type { SwapCommands } from '../inputs/settings.ts';
import { runProgram } from '../stream/program.ts';
import type { Run } from './run.ts';

type Surroundings = Pick<Run, 'log' | 'track'>;

/**
 * Runs the commands of `before`, then `swap`, then those of `after`: these in any case, once the first have begun, also
 * when the run is cancelled, or by the `post:` step when it is killed. Which of `after` failed goes into `failures`.
 */
export async function betweenCommands(
  commands: SwapCommands,
  run: Run,
  failures: string[],
  swap: () => Promise<void>,
): Promise<void> {
  run.signal.throwIfAborted(); // Nothing was stopped yet, so nothing is to be started.
  const forget = commands.after.length === 0 ? () => {} : run.track({ kind: 'after' });
  try {
    if (commands.before.length > 0) await run.progress.stage('before', () => runBefore(commands, run));
    await swap();
  } finally {
    if (commands.after.length > 0) failures.push(...(await run.progress.stage('after', () => runAfter(commands, run))));
    forget();
  }
}

/** The first that fails is the last: what it was to stop may still be at work. */
async function runBefore({ before, env }: SwapCommands, run: Run): Promise<void> {
  for (const [index, command] of before.entries()) {
    const failure = await runOne(titleOf('before', before, index), command, env, run.signal, run);
    run.signal.throwIfAborted();
    if (failure !== null) throw new LifeboatError(failure);
  }
}

/** All of them: what can be started again, is. No cancellation ends them. Resolves with what failed. */
export async function runAfter(
  { after, env }: Pick<SwapCommands, 'after' | 'env'>,
  surroundings: Surroundings,
): Promise<string[]> {
  const failures: (string | null)[] = [];
  for (const [index, command] of after.entries()) {
    const never = new AbortController().signal;
    failures.push(await runOne(titleOf('after', after, index), command, env, never, surroundings));
  }
  return failures.filter((failure) => failure !== null);
}

/** How messages name a command: its arguments can hold what is for nobody else, and stand in the log alone. */
function titleOf(input: 'before' | 'after', commands: string[][], index: number): string {
  return `${input}: command ${index + 1} of ${commands.length} (${commands[index]?.[0]})`;
}

/** Resolves with what went wrong, or null. */
async function runOne(
  title: string,
  command: string[],
  env: Record<string, string>,
  signal: AbortSignal,
  { log, track }: Surroundings,
): Promise<string | null> {
  return log.group(title, async () => {
    log.info(`$ ${command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')}`);
    try {
      await runProgram(command, { env, signal, track, onLine: (line) => log.info(`  | ${line}`) });
      return null;
    } catch (error) {
      const failure = `${title} ${messageOf(error)}.`;
      log.info(failure);
      return failure;
    }
  });
}
