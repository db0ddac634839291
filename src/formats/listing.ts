import { isAhead, isFromFuture, isId, parseTime, startOf } from './id.ts';
import {
  HOLD_FILE,
  inOrder,
  isSumsFile,
  MANIFEST_FILE,
  type PartName,
  parseVolumeFile,
  SIGNATURE_FILE,
  volumeFile,
} from './names.ts';
import { parseRecordFile, type Verdict } from './restore-test/record.ts';

/** What a listing tells of a backup, from names and sizes alone: nothing of it has been read, or is believed. */
export interface ListedBackup {
  id: string;
  /** UTC, ISO 8601. */
  created: string;
  /** 0 when it lies ahead. */
  ageSeconds: number;
  /** Of all parts, in bytes. */
  size: number;
  parts: { name: PartName; volumes: number; size: number }[];
  /** Nothing is known to be missing. */
  complete: boolean;
  /** The manifest when it is missing, because then it is not a backup; else the missing parts and volumes. */
  missing: string[];
  /** There is a signature. */
  signed: boolean;
  held: boolean;
  fromFuture: boolean;
  /** The newest restore test that is not from the future. `time`: UTC, ISO 8601. */
  lastTest: { verdict: Verdict; time: string } | null;
  /** What `latest` takes, if its manifest counts. */
  newestComplete: boolean;
  /** What `latest-proven` takes, if its manifest and its record count. */
  newestProven: boolean;
}

/** A restore test, from its record's name. */
export interface ListedTest {
  /** Of the backup. */
  id: string;
  /** The record's name in the backup's folder. */
  file: string;
  verdict: Verdict;
  /** UTC, ISO 8601. */
  time: string;
}

/** Makes backups of the objects of one set, which may come in any order. */
export class Listing {
  readonly #prefix: string;
  readonly #found = new Map<string, Found>();
  #backups: { now: number; list: ListedBackup[] } | null = null;
  #tests: ListedTest[] | null = null;
  #ignored = 0;
  #pruned = false;

  constructor(set: string) {
    this.#prefix = `${set}/`;
  }

  /** How many objects are not Lifeboat's. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Nothing here is Lifeboat's. Where `prune` has left its records, there were backups. */
  get isEmpty(): boolean {
    return this.#found.size === 0 && !this.#pruned;
  }

  add({ key, size }: { key: string; size: number }): void {
    const path = key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : '';
    const slash = path.indexOf('/');
    const [id, file] = [path.slice(0, slash), path.slice(slash + 1)];
    const kind = isId(id) ? kindOf(file) : null;
    if (kind === null) {
      if (PRUNED.test(path)) this.#pruned = true;
      else this.#ignored++;
      return;
    }
    const found = this.#found.get(id) ?? emptyFolder();
    this.#found.set(id, found);
    kind(found, size);
    this.#backups = null;
    this.#tests = null;
  }

  /** Newest first. There can be very many, and several ask: they are made once. */
  backups(now: Date): ListedBackup[] {
    if (this.#backups?.now !== now.getTime()) this.#backups = { now: now.getTime(), list: this.#listBackups(now) };
    return this.#backups.list;
  }

  #listBackups(now: Date): ListedBackup[] {
    const backups = [...this.#found]
      .map(([id, found]) => listedBackup(id, found, now))
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    const usable = backups.filter(({ complete, fromFuture }) => complete && !fromFuture);
    const proven = usable.find(({ lastTest }) => lastTest?.verdict === 'proven');
    if (usable[0]) usable[0].newestComplete = true;
    if (proven) proven.newestProven = true;
    return backups;
  }

  /** The volumes of a backup that hold something, and their side objects: names in its folder, and bytes. */
  files(id: string): { key: string; size: number }[] {
    const found = this.#found.get(id) ?? emptyFolder();
    const volumes = [...found.parts].flatMap(([part, stored]) =>
      stored.map(({ index, size }) => ({ key: volumeFile(part, index), size })),
    );
    return [...volumes, ...(found.sums ?? [])];
  }

  /** The restore tests of a backup, newest first. */
  testsOf(id: string): ListedTest[] {
    return (this.#found.get(id)?.records ?? []).toSorted(newestFirst).map((record) => ({ id, ...record }));
  }

  /** Whether the record of a restore test has a signature. */
  isSigned({ id, file }: Pick<ListedTest, 'id' | 'file'>): boolean {
    return this.#found.get(id)?.signedRecords?.has(file) ?? false;
  }

  /** The restore tests of all backups, newest first. */
  tests(): ListedTest[] {
    this.#tests ??= [...this.#found]
      .flatMap(([id, { records }]) => records.map((record) => ({ id, ...record })))
      .sort(newestFirst);
    return this.#tests;
  }
}

/** Records of what was pruned lie beside the backups. */
const PRUNED = /^pruned\/[^/]+\.json(\.asc)?$/;

/** What the names in a backup's folder have told so far. null: none of that; there can be very many backups. */
interface Found {
  parts: Map<PartName, { index: number; size: number }[]>;
  /** Side objects. */
  sums: { key: string; size: number }[] | null;
  manifest: boolean;
  signed: boolean;
  held: boolean;
  /** Of restore tests. */
  records: Omit<ListedTest, 'id'>[];
  /** The files of those that have a signature. */
  signedRecords: Set<string> | null;
}

function emptyFolder(): Found {
  return {
    parts: new Map(),
    sums: null,
    manifest: false,
    signed: false,
    held: false,
    records: [],
    signedRecords: null,
  };
}

/** What a file says of its backup; null when it is not ours. */
function kindOf(file: string): ((found: Found, size: number) => void) | null {
  switch (file) {
    case MANIFEST_FILE:
      // One that is empty was cut off by whoever copied it.
      return (found, size) => {
        found.manifest ||= size > 0;
      };
    case SIGNATURE_FILE:
      return (found) => {
        found.signed = true;
      };
    case HOLD_FILE:
      return (found) => {
        found.held = true;
      };
  }
  const volume = parseVolumeFile(file);
  if (volume) return (found, size) => addVolume(found, volume, size);
  const record = recordOf(file);
  if (record) {
    return (found) => {
      found.records.push(record);
    };
  }
  if (isSumsFile(file)) {
    return (found, size) => {
      found.sums ??= [];
      found.sums.push({ key: file, size });
    };
  }
  const signed = file.endsWith('.asc') ? file.slice(0, -'.asc'.length) : '';
  if (recordOf(signed) === null) return null;
  return (found) => {
    found.signedRecords ??= new Set();
    found.signedRecords.add(signed);
  };
}

function addVolume(found: Found, { part, index }: { part: PartName; index: number }, size: number): void {
  if (size === 0) return;
  const volumes = found.parts.get(part) ?? [];
  volumes.push({ index, size });
  found.parts.set(part, volumes);
}

function recordOf(file: string): Omit<ListedTest, 'id'> | null {
  const record = parseRecordFile(file);
  const time = parseTime(record?.time ?? '');
  return record && time ? { file, verdict: record.verdict, time: time.toISOString() } : null;
}

/** The names of records sort by time. */
function newestFirst(a: { file: string }, b: { file: string }): number {
  return a.file < b.file ? 1 : -1;
}

function listedBackup(id: string, found: Found, now: Date): ListedBackup {
  const created = startOf(id) ?? now;
  const missing = missingIn(found);
  const parts = inOrder(found.parts.keys()).map((name) => {
    const volumes = found.parts.get(name) ?? [];
    return { name, volumes: volumes.length, size: volumes.reduce((sum, { size }) => sum + size, 0) };
  });
  const lastTest = found.records.toSorted(newestFirst).find(({ time }) => !isAhead(new Date(time), now));
  return {
    id,
    created: created.toISOString(),
    ageSeconds: Math.max(0, Math.floor((now.getTime() - created.getTime()) / 1000)),
    size: parts.reduce((sum, { size }) => sum + size, 0),
    parts,
    complete: missing.length === 0,
    missing,
    signed: found.signed,
    held: found.held,
    fromFuture: isFromFuture(id, now),
    lastTest: lastTest ? { verdict: lastTest.verdict, time: lastTest.time } : null,
    newestComplete: false,
    newestProven: false,
  };
}

/** Without these there is nothing to restore, or nothing to compare it with. */
const NEEDED: PartName[] = ['schema', 'data', 'inventory'];

function missingIn({ manifest, parts }: Found): string[] {
  if (!manifest) return [MANIFEST_FILE];
  const absent = NEEDED.filter((name) => !parts.has(name)).map((name) => volumeFile(name, 0));
  const gaps = [...parts].flatMap(([name, volumes]) => {
    const indexes = volumes.map(({ index }) => index).sort((a, b) => a - b);
    const gap = indexes.findIndex((index, place) => index !== place);
    return gap === -1 ? [] : [volumeFile(name, gap)];
  });
  return [...absent, ...gaps].sort();
}
