import type { Run } from '../../src/commands/shared/run.ts';
import type { Log } from '../../src/report/log.ts';
import { Progress } from '../../src/report/progress.ts';

/** A run that remembers what it says, each line after what kind it is. */
export interface RecordedRun extends Run {
  lines: string[];
  cancel(): void;
}

export function recordedRun(now: () => Date): RecordedRun {
  const controller = new AbortController();
  const lines: string[] = [];
  const say = (kind: string) => (line: string) => void lines.push(`${kind}: ${line}`);
  const log: Log = {
    info: say('info'),
    notice: say('notice'),
    warning: say('warning'),
    debug: say('debug'),
    group: (_, work) => work(),
  };
  return {
    lines,
    cancel: () => controller.abort(),
    log,
    progress: new Progress(log),
    signal: controller.signal,
    track: () => () => {},
    now,
    version: '0.0.0',
    volumeSize: 8 * 1024 ** 3,
    at: async () => {},
    atSwap: async () => {},
  };
}
