import type { Track } from '../leftovers.ts';

/** What finding and fetching backups needs of a run. */
export interface RepositoryContext {
  log: Record<'info' | 'notice' | 'warning', (line: string) => void>;
  progress: { stage<T>(name: string, work: () => Promise<T>): Promise<T> };
  signal: AbortSignal;
  track: Track;
  now(): Date;
}
