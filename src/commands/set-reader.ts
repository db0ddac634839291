import { createHash } from 'node:crypto';
import type { ExaminedBackup, ManifestState } from '../catalog/health/facts.ts';
import type { ListedBackup, ListedTest, Listing } from '../catalog/listing.ts';
import { readManifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { type RestoreTestRecord, readRecordOf } from '../catalog/record.ts';
import { LifeboatError } from '../errors.ts';
import { type Store, StoreError } from '../store/store.ts';
import { checkDetached } from '../stream/verify.ts';
import { readObject, readUsable } from './read-object.ts';
import type { Run } from './run.ts';

/** What is said of an object's signature. */
export interface Signature {
  /** What is wrong with the one that is demanded; null: nothing, or none is demanded. */
  problem: string | null;
  isThere: boolean;
  /** The id of the key that made it. */
  signer: string | null;
}

interface SignedObject {
  bytes: Buffer;
  signature: Signature;
}

export type RecordState =
  | { kind: 'good'; record: RestoreTestRecord }
  /** It, or the manifest of its backup, is not what it ought to be. */
  | { kind: 'bad'; why: string }
  /** These credentials may not read it; the store says why. */
  | { kind: 'denied'; why: string }
  /** Since the listing. */
  | { kind: 'gone' };

/** Whether a record counts; one may be gone since the listing. */
export type Standing = 'counts' | 'gone' | { why: string };

/** Reads manifests and records of one set, and says which of them count. */
export class SetReader {
  readonly store: Store;
  readonly set: string;
  readonly #listing: Listing;
  /** Armored certificates, of which one must have signed what is read; null: signatures are not looked at. */
  readonly #verificationKeys: string | null;
  readonly #run: Run;
  readonly #examined = new Map<string, Promise<ExaminedBackup | null>>();
  readonly #records = new Map<string, Promise<RecordState>>();

  constructor(store: Store, set: string, listing: Listing, verificationKeys: string | null, run: Run) {
    this.store = store;
    this.set = set;
    this.#listing = listing;
    this.#verificationKeys = verificationKeys;
    this.#run = run;
  }

  /** null: it is gone since the listing. */
  examine(listed: ListedBackup): Promise<ExaminedBackup | null> {
    const examined = this.#examined.get(listed.id) ?? this.#examine(listed);
    this.#examined.set(listed.id, examined);
    return examined;
  }

  async #examine(listed: ListedBackup): Promise<ExaminedBackup | null> {
    const key = keyOf(this.set, listed.id, MANIFEST_FILE);
    const read = await ifAllowed(() => this.#readSigned(key));
    if (read === null) return null;
    const files = this.#listing.files(listed.id);
    if (read instanceof StoreError) {
      return { listed, files, manifest: { kind: kindOf(read), why: read.message }, manifestSha256: null };
    }
    const manifestSha256 = createHash('sha256').update(read.bytes).digest('hex');
    return { listed, files, manifest: this.#stateOf(read, key, listed.id), manifestSha256 };
  }

  #stateOf({ bytes, signature }: SignedObject, key: string, id: string): ManifestState {
    if (signature.problem !== null) {
      return signature.isThere
        ? { kind: 'bad', why: `its signature is not good: ${signature.problem}.` }
        : { kind: 'unsigned' };
    }
    try {
      const manifest = readManifest(bytes, key, { set: this.set, id });
      return { kind: 'good', manifest, signer: signature.signer };
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      return { kind: 'bad', why: error.message };
    }
  }

  /** Whether a restore test counts. What may not be read does, by its name, unless it must be signed. */
  async standingOf(test: ListedTest, listed: ListedBackup): Promise<Standing> {
    const state = await this.recordOf(test, listed);
    if (state.kind === 'good') return 'counts';
    if (state.kind === 'gone') return 'gone';
    return state.kind === 'denied' && this.#verificationKeys === null ? 'counts' : { why: state.why };
  }

  recordOf(test: ListedTest, listed: ListedBackup): Promise<RecordState> {
    const key = keyOf(this.set, test.id, test.file);
    const state = this.#records.get(key) ?? this.#recordOf(key, test, listed);
    this.#records.set(key, state);
    return state;
  }

  async #recordOf(key: string, test: ListedTest, listed: ListedBackup): Promise<RecordState> {
    const backup = await this.examine(listed);
    if (backup === null) return { kind: 'gone' };
    const { kind } = backup.manifest;
    if (kind === 'bad' || kind === 'unsigned') return { kind: 'bad', why: 'the manifest of its backup does not count' };
    const read = await ifAllowed(() => this.#readSigned(key));
    if (read === null) return { kind: 'gone' };
    if (read instanceof StoreError) return { kind: kindOf(read), why: read.message };
    if (read.signature.problem !== null) return { kind: 'bad', why: read.signature.problem };
    try {
      const expected = { ...test, set: this.set, manifestSha256: backup.manifestSha256 };
      return { kind: 'good', record: readRecordOf(read.bytes, expected) };
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      return { kind: 'bad', why: error.message };
    }
  }

  /** null: it is not there. */
  async #readSigned(key: string): Promise<SignedObject | null> {
    const bytes = await readObject(this.store, key);
    return bytes === null ? null : { bytes, signature: await this.checkSignature(key, bytes) };
  }

  async checkSignature(key: string, bytes: Uint8Array): Promise<Signature> {
    if (this.#verificationKeys === null) return { problem: null, isThere: false, signer: null };
    const armored = await readUsable(this.store, `${key}.asc`, (problem) => ({ problem }));
    if (armored === null) return { problem: 'it is not signed', isThere: false, signer: null };
    if ('problem' in armored) return { problem: armored.problem, isThere: true, signer: null };
    const checked = await checkDetached(bytes, armored.toString('utf8'), this.#verificationKeys, this.#run.now());
    return { problem: null, signer: null, ...checked, isThere: true };
  }
}

/**
 * Credentials that may list and not read are a good choice for a check: that they may not is no error, but an answer. So
 * is an object that is none of ours.
 */
export async function ifAllowed<T>(read: () => Promise<T>): Promise<T | StoreError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'denied' || error.code === 'unusable')) return error;
    throw error;
  }
}

function kindOf({ code }: StoreError): 'denied' | 'bad' {
  return code === 'unusable' ? 'bad' : 'denied';
}
