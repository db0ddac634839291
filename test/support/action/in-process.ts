import { readBackupSettings } from '../../../src/commands/backup/inputs.ts';
import type { BackupReport } from '../../../src/commands/backup/report.ts';
import { backup } from '../../../src/commands/backup/run.ts';
import type { Run } from '../../../src/commands/shared/run.ts';
import type { InputLog } from '../../../src/inputs/schema.ts';
import type { Log } from '../../../src/report/log.ts';
import { Progress } from '../../../src/report/progress.ts';
import type { ActionInputs } from './harness.ts';

export interface InProcess extends BackupReport {
  /** What was logged. */
  log: string[];
}

/**
 * Backs up in this process, not through dist/: for what only a Run of the test's own can do, such as acting between two
 * steps, or smaller volumes.
 */
export async function backUpInProcess(inputs: ActionInputs, run: Partial<Run>): Promise<InProcess> {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const log: Log & InputLog = {
    info: say,
    notice: say,
    warning: say,
    debug: say,
    group: (_, work) => work(),
    mask: () => {},
  };
  const settings = await readBackupSettings((name) => inputs[name] ?? '', {}, log);
  const report = await backup(settings, {
    log,
    progress: new Progress(log),
    signal: new AbortController().signal,
    track: () => () => {},
    now: () => new Date(),
    version: '0.0.0',
    volumeSize: 8 * 1024 ** 3,
    at: async () => {},
    atSwap: async () => {},
    ...run,
  });
  return { ...report, log: lines };
}
