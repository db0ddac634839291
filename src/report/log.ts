import * as core from '@actions/core';
import { LifeboatError } from '../errors.ts';
import { oneLine, safeLines } from './escape.ts';

/** Where commands say what they do. Text from outside is made safe here, once. */
export interface Log {
  info(line: string): void;
  /** Worth reading, not worth worry: an annotation that is not red. */
  notice(line: string): void;
  warning(line: string): void;
  debug(line: string): void;
  /** On a terminal: how far long work has come (0 to 1; null: not known), where the next one takes its place. */
  status?(line: string, share: number | null): void;
  /** What is said during `work` stands under the title, folded. Groups do not nest. */
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
}

export const actionsLog: Log = {
  info: (line) => core.info(safeLines(line)),
  notice: (line) => core.notice(oneLine(line), { title: 'Lifeboat' }),
  warning: (line) => core.warning(oneLine(line), { title: 'Lifeboat' }),
  debug: (line) => core.debug(safeLines(line)),
  group: (title, work) => core.group(safeLines(oneLine(title)), work),
};

/** Says where an error came from, for debugging; and that it is one of our own making, unless a cancellation made it. */
export function logOrigin(error: unknown, log: Log, cancelled = false): void {
  if (!(error instanceof LifeboatError) && !cancelled) {
    log.info(
      'This is an error inside of Lifeboat; please report it. Run again with debug logging to see where it happened.',
    );
  }
  for (let at = error; at instanceof Error; at = at.cause) log.debug(oneLine(at.stack ?? at.message));
}
