/** What a `hold` or a `release` tells people and later steps; the JSON report is this. */
export interface HoldReport {
  command: 'hold' | 'release';
  id: string;
  /** The set. */
  name: string | null;
  stores: HeldInStore[];
}

export interface HeldInStore {
  url: string;
  /** `absent`: this store has no such backup. */
  state: 'held' | 'held-already' | 'released' | 'not-held' | 'absent' | 'failed';
  error: string | null;
}

const STATES = {
  held: 'held: no rule deletes it until it is released',
  'held-already': 'was held already',
  released: 'released: the rules apply to it again',
  'not-held': 'was not held',
  absent: 'not there',
  failed: 'FAILED',
};

/** One line for each store, as plain text. */
export function holdLines({ id, stores }: HoldReport): string[] {
  return stores.map(
    ({ url, state, error }) => `${url}: backup ${id} ${STATES[state]}${error === null ? '' : `: ${error}`}`,
  );
}
