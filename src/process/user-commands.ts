import { messageOf } from '../errors.ts';
import { type ProgramContext, runProgram } from './program.ts';

/** Where the output of a command goes. */
interface CommandLog {
  info(line: string): void;
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
}

export interface CommandContext extends Pick<ProgramContext, 'env' | 'signal' | 'track'> {
  log: CommandLog;
}

/** Runs every command of `after`: what can be started again, is. No cancellation ends them. Resolves with what failed. */
export async function runAfter(after: string[][], context: Omit<CommandContext, 'signal'>): Promise<string[]> {
  const never = new AbortController().signal;
  const failures: (string | null)[] = [];
  for (const [index, command] of after.entries()) {
    const title = titleOf('after', after, index);
    failures.push(await runUserCommand(title, command, { ...context, signal: never }));
  }
  return failures.filter((failure) => failure !== null);
}

/** How messages name a command: its arguments may be secret, so only the log has them. */
export function titleOf(input: 'before' | 'after', commands: string[][], index: number): string {
  return `${input}: command ${index + 1} of ${commands.length} (${commands[index]?.[0]})`;
}

/** Resolves with what went wrong, or null. */
export async function runUserCommand(
  title: string,
  command: string[],
  { env, signal, track, log }: CommandContext,
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
