export interface KeyRequirements {
  /** Of `public-key`. */
  recipients: RecipientFacts[] | null;
  /** Of `verification-key`: every key in it that can sign. */
  signers: SigningKeyFacts[] | null;
}

/** A certificate that backups are encrypted for. */
export interface RecipientFacts {
  /** `key` and the fingerprint. */
  name: string;
  /** Why nothing can be encrypted for it today, and what to do; null: it can. */
  problem: string | null;
  /** UTC, ISO 8601; null: never. */
  expires: string | null;
  /** Fingerprint of the subkey that is used, upper case; null: there is none. */
  subkey: string | null;
}

export interface SigningKeyFacts {
  name: string;
  /** As a signature names it. */
  keyId: string;
  expires: string | null;
}

/** What is required of backups. Null: it was not asked for. */
export interface Requirements extends KeyRequirements {
  /** Milliseconds. */
  maxAge: number | null;
  maxRestoreTestAge: number | null;
  /** Percent. */
  maxShrink: number | null;
  /** Bytes. */
  minFreeSpace: number | null;
  /** A manifest or record counts only with a good signature. */
  signed: boolean;
}

/**
 * What a rule found. `not-evaluated`: it was asked for and could not be looked at. `off`: it was not asked for; `found`
 * says how to.
 */
export type Status = 'passed' | 'warning' | 'failed' | 'not-evaluated' | 'off';

export interface Outcome {
  status: Status;
  /** What is there, the worst first. Texts of others stand in it as they are. */
  found: string[];
  /** What to do about it. */
  next: string | null;
}

export interface Rule<Facts> {
  name: string;
  judge(facts: Facts, requirements: Requirements, now: Date): Outcome;
}

export function passed(...found: string[]): Outcome {
  return { status: 'passed', found, next: null };
}

export function warning(found: string[], next: string): Outcome {
  return { status: 'warning', found, next };
}

export function failed(found: string[], next: string): Outcome {
  return { status: 'failed', found, next };
}

export function notEvaluated(why: string[], next: string): Outcome {
  return { status: 'not-evaluated', found: why, next };
}

export function notRequested(input: string): Outcome {
  return { status: 'off', found: [input], next: null };
}
