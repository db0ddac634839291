import type { Leftover } from '../../../src/leftovers.ts';
import type { StoreContext } from '../../../src/store/store.ts';

/** A store's context that remembers what it was told. */
export interface RecordedContext extends StoreContext {
  /** What is tracked now. */
  leftovers: Set<Leftover>;
  /** What was ever tracked. */
  tracked: Leftover[];
  lines: string[];
  cancel(): void;
}

export function recordedContext(): RecordedContext {
  const controller = new AbortController();
  const leftovers = new Set<Leftover>();
  const tracked: Leftover[] = [];
  const lines: string[] = [];
  return {
    signal: controller.signal,
    cancel: () => controller.abort(),
    leftovers,
    tracked,
    track: (leftover) => {
      leftovers.add(leftover);
      tracked.push(leftover);
      return () => leftovers.delete(leftover);
    },
    lines,
    info: (line) => lines.push(line),
  };
}
