import { createHash } from 'node:crypto';
import { LifeboatError } from '../errors.ts';
import { isCommitted, type ScannedBackup } from '../formats/health/facts.ts';
import { isAhead, isId, startOf } from '../formats/id.ts';
import { type ListedBackup, type ListedTest, Listing } from '../formats/listing.ts';
import { type Manifest, readManifest } from '../formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../formats/names.ts';
import { readRecordOf, type Verdict } from '../formats/restore-test/record.ts';
import type { ManifestState, NotGood, RecordState, State } from '../formats/state.ts';
import { type Store, type StoredObject, StoreError } from '../store/store.ts';
import { stateOf, type Trust } from './counts.ts';
import { oneThenMany } from './one-then-many.ts';
import { readObject, readUsable } from './read-object.ts';

/** How a set is read. */
export interface SetTrust extends Trust {
  /**
   * What these credentials may not read is a state of it, `denied`, and counts by its name unless signatures are required.
   * Otherwise it is an error.
   */
  mayBeDenied?: boolean;
}

/** A backup's manifest, read. */
export interface FoundManifest {
  id: string;
  state: ManifestState;
  /** null unless it was read. */
  bytes: Buffer | null;
  /** Hex, of its bytes. */
  sha256: string | null;
  /** Armored. */
  signature: string | null;
}

/** What a search for the newest backup came to. */
export interface Newest {
  /** null: no backup counts, or none that may be read. */
  found: { id: string; manifest: Manifest; sha256: string } | null;
  /** Newer ones that do not count, newest first. It ends with one that may not be read. */
  passedOver: { id: string; state: NotGood }[];
}

export interface NewestTest {
  /** null: there is none that counts. */
  test: ListedTest | null;
  /** Newer records that do not count. */
  passedOver: { test: ListedTest; state: NotGood }[];
}

/** An object, and when the store got it. */
export type DatedObject = Pick<StoredObject, 'key' | 'modified'>;

/** Every backup of one set in one store: which there are, which count, and which are proven. */
export class BackupSet {
  readonly store: Store;
  readonly name: string;
  readonly trust: SetTrust;
  #contents: Promise<SetContents> | null = null;
  readonly #manifests = new Map<string, Promise<Pick<FoundManifest, 'state' | 'sha256'>>>();
  readonly #records = new Map<string, Promise<RecordState>>();

  constructor(store: Store, name: string, trust: SetTrust) {
    this.store = store;
    this.name = name;
    this.trust = trust;
  }

  keyOf(id: string, file: string): string {
    return keyOf(this.name, id, file);
  }

  /** Names and sizes of everything, listed once. */
  async listing(): Promise<Listing> {
    return (await this.#list()).listing;
  }

  /** The object with the latest date, of the same listing. */
  async newestObject(): Promise<DatedObject | null> {
    return (await this.#list()).newest;
  }

  #list(): Promise<SetContents> {
    this.#contents ??= listSet(this.store, this.name);
    return this.#contents;
  }

  /** Reads the backup's manifest and its signature anew. `named`: by its id, and then its time does not matter. */
  async open(id: string, { named = false } = {}): Promise<FoundManifest> {
    const time = startOf(id);
    const absent = { id, bytes: null, sha256: null, signature: null };
    const key = this.keyOf(id, MANIFEST_FILE);
    const read = await this.#read(key, named);
    if (read.kind !== 'read') return { ...absent, state: read };
    const { bytes, signature } = read;
    const parse = () => ({ manifest: readManifest(bytes, key, { set: this.name, id }) });
    const state = await stateOf({ bytes, signature, time: named ? null : time, parse }, this.trust);
    return { id, state, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), signature };
  }

  /** The state of the backup's manifest, read once. */
  manifestOf(id: string): Promise<Pick<FoundManifest, 'state' | 'sha256'>> {
    const known = this.#manifests.get(id) ?? this.open(id).then(({ state, sha256 }) => ({ state, sha256 }));
    this.#manifests.set(id, known);
    return known;
  }

  /** What the rules of `check` need of a backup; null: it was deleted after the listing. */
  async scan(listed: ListedBackup): Promise<ScannedBackup | null> {
    const [{ state, sha256 }, listing] = await Promise.all([this.manifestOf(listed.id), this.listing()]);
    if (state.kind === 'missing') return null;
    return { listed, files: listing.files(listed.id), manifest: state, manifestSha256: sha256 };
  }

  /** The state of a restore test's record, read once. */
  recordOf(test: ListedTest): Promise<RecordState> {
    const key = this.keyOf(test.id, test.file);
    const known = this.#records.get(key) ?? this.#recordOf(key, test);
    this.#records.set(key, known);
    return known;
  }

  async #recordOf(key: string, test: ListedTest): Promise<RecordState> {
    // The signature is written before the record: one that is not listed did not exist.
    if (this.trust.verificationKeys !== null && !(await this.listing()).isSigned(test)) return { kind: 'unsigned' };
    const backup = await this.manifestOf(test.id);
    if (backup.state.kind === 'missing') return { kind: 'missing' };
    if (backup.state.kind !== 'good' && backup.state.kind !== 'denied') {
      return { kind: 'invalid', what: 'content', why: 'the manifest of its backup does not count' };
    }
    const read = await this.#read(key);
    if (read.kind !== 'read') return read;
    const { bytes, signature } = read;
    const parse = () => ({ record: this.#parseRecord(bytes, test, backup.sha256) });
    return stateOf({ bytes, signature, time: new Date(test.time), parse }, this.trust);
  }

  #parseRecord(bytes: Uint8Array, test: ListedTest, manifestSha256: string | null) {
    return readRecordOf(bytes, { ...test, set: this.name, manifestSha256 });
  }

  /** Whether it counts; what may not be read does, by its name, unless it must be signed. */
  counts<T extends object>(state: State<T>): boolean {
    return state.kind === 'good' || (state.kind === 'denied' && this.trust.verificationKeys === null);
  }

  /** The newest backup that counts, by the names of the folders alone: for the newest one a set is not listed. */
  async newest(): Promise<Newest> {
    const ids = (await this.store.folders(`${this.name}/`)).filter(isId).sort().reverse();
    const passedOver: Newest['passedOver'] = [];
    for await (const { id, state, sha256 } of oneThenMany(ids, (id) => this.open(id))) {
      if (state.kind === 'good') return { found: { id, manifest: state.manifest, sha256: sha256 ?? '' }, passedOver };
      // A folder without a manifest is not a backup.
      if (state.kind !== 'missing') passedOver.push({ id, state });
      if (state.kind === 'denied') break;
    }
    return { found: null, passedOver };
  }

  /** The restore tests of one backup, or of all, newest first, without those from the future. */
  async testsOf(id: string | null): Promise<ListedTest[]> {
    const listing = await this.listing();
    const tests = id === null ? listing.tests() : listing.testsOf(id);
    return tests.filter(({ time }) => !isAhead(new Date(time), this.trust.now));
  }

  /** The newest restore test of the set whose record counts, of any backup that exists and is not from the future. */
  async lastTest(): Promise<NewestTest> {
    const ids = new Set((await this.#committed()).map(({ id }) => id));
    return this.newestTest((await this.testsOf(null)).filter(({ id }) => ids.has(id)));
  }

  /** The newest of these tests whose record counts. */
  async newestTest(newestFirst: ListedTest[]): Promise<NewestTest> {
    const passedOver: NewestTest['passedOver'] = [];
    const states = oneThenMany(newestFirst, async (test) => ({ test, state: await this.recordOf(test) }));
    for await (const { test, state } of states) {
      if (this.counts(state)) return { test, passedOver };
      if (state.kind !== 'missing' && state.kind !== 'good') passedOver.push({ test, state });
    }
    return { test: null, passedOver };
  }

  /** Backups that are proven, newest first: the newest restore test that counts has passed. */
  async *proven(): AsyncGenerator<ListedBackup> {
    for (const { backup, tests } of await this.#testedBackups()) {
      if (!tests.some(isProof)) continue;
      const { test } = await this.newestTest(tests);
      if (test !== null && isProof(test) && this.counts((await this.manifestOf(backup.id)).state)) yield backup;
    }
  }

  async latestProven(): Promise<ListedBackup | null> {
    for await (const backup of this.proven()) return backup;
    return null;
  }

  /**
   * Backups that a record calls proven that speaks of this very manifest, but is not signed as it must be; newest first.
   * They are not proven. A failure that counts takes away an older claim.
   */
  async *claimedProven(): AsyncGenerator<{ backup: ListedBackup; why: NotGood }> {
    for (const { backup, tests } of await this.#testedBackups()) {
      if (!tests.some(isProof)) continue;
      const { passedOver } = await this.newestTest(tests);
      for (const { test, state } of passedOver) {
        if (!isProof(test) || !(await this.#isWellFormed(test))) continue;
        yield { backup, why: state };
        break;
      }
    }
  }

  async #isWellFormed(test: ListedTest): Promise<boolean> {
    const { state, sha256 } = await this.manifestOf(test.id);
    if (state.kind !== 'good') return false;
    const bytes = await readUsable(this.store, this.keyOf(test.id, test.file), () => null);
    try {
      return bytes !== null && this.#parseRecord(bytes, test, sha256) !== null;
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      return false;
    }
  }

  async #testedBackups(): Promise<{ backup: ListedBackup; tests: ListedTest[] }[]> {
    const backups = await this.#committed();
    const tests = Map.groupBy(await this.testsOf(null), ({ id }) => id);
    return backups.map((backup) => ({ backup, tests: tests.get(backup.id) ?? [] }));
  }

  async #committed(): Promise<ListedBackup[]> {
    const backups = (await this.listing()).backups(this.trust.now);
    return backups.filter((backup) => isCommitted(backup) && !backup.fromFuture);
  }

  /** An object with its signature. `withSignature`: also when none is required. */
  async #read(
    key: string,
    withSignature = false,
  ): Promise<NotGood | { kind: 'read'; bytes: Buffer; signature: string | null }> {
    try {
      const bytes = await readObject(this.store, key);
      if (bytes === null) return { kind: 'missing' };
      const signature = await this.#readSignature(`${key}.asc`, withSignature);
      return { kind: 'read', bytes, signature: signature?.toString('utf8') ?? null };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'unusable') return { kind: 'invalid', what: 'content', why: error.message };
      if (error.code !== 'denied' || this.trust.mayBeDenied !== true) throw error;
      return { kind: 'denied', why: error.message };
    }
  }

  /** Where none is required, one that cannot be read does no harm. */
  async #readSignature(key: string, isWanted: boolean): Promise<Buffer | null> {
    if (this.trust.verificationKeys !== null) return readObject(this.store, key);
    return isWanted ? readUsable(this.store, key, () => null) : null;
  }
}

function isProof({ verdict }: { verdict: Verdict }): boolean {
  return verdict === 'proven';
}

interface SetContents {
  listing: Listing;
  newest: DatedObject | null;
}

async function listSet(store: Store, name: string): Promise<SetContents> {
  const listing = new Listing(name);
  let newest: DatedObject | null = null;
  for await (const object of store.list(`${name}/`)) {
    listing.add(object);
    if (newest === null || object.modified > newest.modified) newest = object;
  }
  return { listing, newest };
}
