import { LifeboatError } from '../errors.ts';
import { isAhead } from '../formats/id.ts';
import type { State } from '../formats/state.ts';
import { checkDetached } from '../openpgp/verify.ts';

/** What a reader requires of manifests and records. */
export interface Trust {
  /** Armored certificates, of which one must have signed; null: signatures are not checked. */
  verificationKeys: string | null;
  now: Date;
}

/** A manifest or a record as it was read from a store. */
export interface Read<T extends object> {
  bytes: Uint8Array;
  /** Armored; null when there is none. */
  signature: string | null;
  /** When it was made, as its name says; null: that does not matter. */
  time: Date | null;
  /** Throws a LifeboatError when the bytes are not what their name says. */
  parse(bytes: Uint8Array): T;
}

/**
 * Whether a manifest or a record counts: it is not from the future, is signed when that is required, and says inside what
 * its name and its place say. This is the only function that decides it.
 */
export async function stateOf<T extends object>(
  { bytes, signature, time, parse }: Read<T>,
  { verificationKeys, now }: Trust,
): Promise<State<T>> {
  if (time !== null && isAhead(time, now)) {
    return { kind: 'invalid', what: 'time', why: 'it is from the future. Check the clock of the machine that made it' };
  }
  let signer: string | null = null;
  if (verificationKeys !== null) {
    if (signature === null) return { kind: 'unsigned' };
    const checked = await checkDetached(bytes, signature, verificationKeys, now);
    if ('problem' in checked) return { kind: 'invalid', what: 'signature', why: checked.problem };
    signer = checked.signer;
  }
  try {
    return { ...parse(bytes), kind: 'good', signer };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { kind: 'invalid', what: 'content', why: error.message };
  }
}
