import type { Track } from '../../leftovers.ts';
import type { SnapshotStep } from '../../postgres/snapshot/snapshot.ts';
import type { Log } from '../../report/log.ts';
import type { Progress } from '../../report/progress.ts';

/** What every command is given beside its settings. */
export interface Run {
  log: Log;
  progress: Progress;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
  track: Track;
  now(): Date;
  /** Of Lifeboat. */
  version: string;
  /** Bytes of a volume: 8 GiB, smaller in tests. */
  volumeSize: number;
  /** Called between the steps of a snapshot; only tests do anything there. */
  at(step: SnapshotStep): Promise<void>;
  /** Called between the statements of a swap; only tests do anything there. */
  atSwap(step: string): Promise<void>;
}
