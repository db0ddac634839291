import type { Manifest } from './manifest.ts';
import type { RestoreTestRecord } from './restore-test/record.ts';

/** What is known of a manifest or a record in a store. Only a good one counts. */
export type State<Good extends object> = (Good & { kind: 'good'; signer: string | null }) | NotGood;

export type NotGood =
  | { kind: 'missing' }
  /** It has no signature, and one is required. */
  | { kind: 'unsigned' }
  /** `what` of it is wrong; `why` says how, for people. */
  | { kind: 'invalid'; what: 'signature' | 'content' | 'time'; why: string }
  /** These credentials may not read it; the store says why. */
  | { kind: 'denied'; why: string };

/** `signer`: the key id of its signature, when one is required. */
export type ManifestState = State<{ manifest: Manifest }>;
export type RecordState = State<{ record: RestoreTestRecord }>;

/** Why it does not count, as a part of a sentence. */
export function whyNotCounted(state: NotGood): string {
  switch (state.kind) {
    case 'missing':
      return 'it does not exist any more';
    case 'unsigned':
      return 'it is not signed';
    default:
      return state.why;
  }
}
