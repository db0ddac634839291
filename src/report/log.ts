import * as core from '@actions/core';
import { oneLine, safeLines } from './escape.ts';

/** Where commands say what they do. Text from outside is made safe here, once. */
export interface Log {
  info(line: string): void;
  /** Worth reading, not worth worry: an annotation that is not red. */
  notice(line: string): void;
  warning(line: string): void;
  debug(line: string): void;
}

export const actionsLog: Log = {
  info: (line) => core.info(safeLines(line)),
  notice: (line) => core.notice(oneLine(line), { title: 'Lifeboat' }),
  warning: (line) => core.warning(oneLine(line), { title: 'Lifeboat' }),
  debug: (line) => core.debug(safeLines(line)),
};
