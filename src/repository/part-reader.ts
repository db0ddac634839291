import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../errors.ts';
import type { ManifestPart, Volume } from '../formats/manifest.ts';
import { sumsFile } from '../formats/names.ts';
import { RANGE_SIZE, sumAt, sumsSize } from '../formats/sums.ts';
import { type PartStore, StoreError } from '../store/store.ts';

/** Ranges under way at once: with these the memory in use is 32 MiB, whatever the part's size. */
const AT_ONCE = 4;
/** Milliseconds before each further try of a range. */
const RETRY_AFTER = [500, 2_000, 8_000];

/** What is stored is not what the manifest says. The backup is damaged; trying again does not help. */
export class DamagedPart extends LifeboatError {
  override readonly name = 'DamagedPart';
  readonly part: string;

  constructor(part: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}

export interface PartSource {
  store: PartStore;
  /** Where the backup's files lie: `set/id/`. */
  folder: string;
  part: ManifestPart;
  signal: AbortSignal;
  /** A line for the log: a retry. */
  info(line: string): void;
}

/** Whether every volume exists and has its size: checked before anything is done with the others. */
export async function checkSizes(source: Pick<PartSource, 'store' | 'folder' | 'part'>): Promise<void> {
  for (const volume of source.part.volumes) await checkSize(source.folder + volume.key, volume, source);
}

/**
 * The stored bytes of a part: its volumes in their order, fetched by ranges side by side. `sums` has the side object of
 * each volume: a range is compared with its digest before a byte of it is yielded. Throws {@link DamagedPart}, or a
 * StoreError when the store cannot be read.
 */
export async function* readPart(source: PartSource, sums: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const [index, volume] of source.part.volumes.entries()) {
    const key = source.folder + volume.key;
    await checkSize(key, volume, source);
    for await (const { range, bytes } of readRanges(key, volume.size, source)) {
      if (!digestOf(bytes).equals(sumAt(sums[index] ?? Buffer.of(), range.start))) {
        throw new DamagedPart(
          source.part.name,
          `${source.store.url}: ${key} is not what was stored: the sha256 of its bytes ${range.start} to ${range.end} differs from the one recorded.`,
        );
      }
      yield bytes;
    }
  }
}

/** No volume that Lifeboat writes has a longer side object: this one is of a volume of 4 TiB. */
const LONGEST_SUMS = 16 * 1024 * 1024;

/** The side objects of a part's volumes, compared with what the manifest says. Throws as {@link readPart} does. */
export async function readSums(source: PartSource): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for (const [index, volume] of source.part.volumes.entries()) {
    const key = source.folder + sumsFile(source.part.name, index);
    const size = sumsSize(volume.size);
    if (size > LONGEST_SUMS)
      throw new DamagedPart(source.part.name, `${key} would have ${size} bytes, which is too many.`);
    await checkSize(key, { size }, source);
    const bytes = await fetchRange(key, { start: 0, end: size }, source);
    const sha256 = digestOf(bytes).toString('hex');
    if (sha256 !== volume.sums) throw digestError(key, sha256, volume.sums ?? 'nothing', source);
    all.push(bytes);
  }
  return all;
}

/**
 * Reads a part once and yields nothing of it: for parts without side objects. Each volume is compared with the manifest,
 * and all together with `sha256` (hex), what the inventory says of them. Resolves with what the side objects would hold,
 * so that a second reading can be compared range by range: the store may change in between.
 */
export async function digestPart(source: PartSource, sha256: string): Promise<Buffer[]> {
  const whole = createHash('sha256');
  const all: Buffer[] = [];
  for (const volume of source.part.volumes) {
    const key = source.folder + volume.key;
    await checkSize(key, volume, source);
    const hash = createHash('sha256');
    const sums: Buffer[] = [];
    for await (const { bytes } of readRanges(key, volume.size, source)) {
      hash.update(bytes);
      whole.update(bytes);
      sums.push(digestOf(bytes));
    }
    requireVolume(key, volume, hash.digest('hex'), source);
    all.push(Buffer.concat(sums));
  }
  if (whole.digest('hex') !== sha256) throw notBound(source);
  return all;
}

/** The digest of a part that is one range: what manifest and inventory both say of it. */
export function onlySum(source: PartSource, sha256: string): Buffer[] {
  if (source.part.volumes[0]?.sha256 !== sha256) throw notBound(source);
  return [Buffer.from(sha256, 'hex')];
}

function notBound({ store, part, folder }: PartSource): DamagedPart {
  return new DamagedPart(
    part.name,
    `${store.url}: part ${part.name} in ${folder} is not the one that this backup's inventory names.`,
  );
}

/** A small part whole, each volume compared with the manifest before anything is resolved. */
export async function readWhole(source: PartSource): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (const volume of source.part.volumes) {
    const key = source.folder + volume.key;
    await checkSize(key, volume, source);
    const hash = createHash('sha256');
    for await (const { bytes } of readRanges(key, volume.size, source)) {
      hash.update(bytes);
      chunks.push(bytes);
    }
    requireVolume(key, volume, hash.digest('hex'), source);
  }
  return chunks;
}

function requireVolume(key: string, volume: Volume, sha256: string, source: PartSource): void {
  if (sha256 !== volume.sha256) throw digestError(key, sha256, volume.sha256, source);
}

function digestError(key: string, found: string, expected: string, { store, part }: PartSource): DamagedPart {
  return new DamagedPart(
    part.name,
    `${store.url}: ${key} is not what was stored: its sha256 is ${found}, the manifest says ${expected}.`,
  );
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The ranges of a volume in their order, several under way at once. */
async function* readRanges(
  key: string,
  size: number,
  source: PartSource,
): AsyncGenerator<{ range: Range; bytes: Buffer }> {
  const stop = new AbortController();
  const signal = AbortSignal.any([source.signal, stop.signal]);
  const fetch = async (range: Range) => ({ range, bytes: await fetchRange(key, range, { ...source, signal }) });
  try {
    yield* inOrder(rangesOf(size), fetch);
  } finally {
    stop.abort(); // When the reader stops, what is under way is not tried again.
  }
}

async function checkSize(
  key: string,
  volume: Pick<Volume, 'size'>,
  { store, part }: Pick<PartSource, 'store' | 'part'>,
): Promise<void> {
  let size: number;
  try {
    size = await store.size(key);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'not-found')
      throw new DamagedPart(part.name, `${store.url}: ${key} is missing.`, { cause: error });
    throw error.code === 'unusable' ? new DamagedPart(part.name, error.message, { cause: error }) : error;
  }
  if (size === volume.size) return;
  throw new DamagedPart(part.name, `${store.url}: ${key} has ${size} bytes, the manifest says ${volume.size}.`);
}

interface Range {
  start: number;
  /** Exclusive. */
  end: number;
}

function* rangesOf(size: number): Generator<Range> {
  for (let start = 0; start < size; start += RANGE_SIZE) yield { start, end: Math.min(start + RANGE_SIZE, size) };
}

/** Several at once, results in order; no more are under way than {@link AT_ONCE}. */
async function* inOrder<T, R>(items: Iterable<T>, act: (item: T) => Promise<R>): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for (const item of items) {
    const result = act(item);
    result.catch(() => {}); // Thrown when its turn comes, which may be later, or never.
    underWay.push(result);
    if (underWay.length === AT_ONCE) yield await (underWay.shift() as Promise<R>);
  }
  while (underWay.length > 0) yield await (underWay.shift() as Promise<R>);
}

async function fetchRange(key: string, range: Range, { store, signal, info }: PartSource): Promise<Buffer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await readRange(key, range, store, signal);
    } catch (error) {
      const wait = RETRY_AFTER[attempt];
      const passing = error instanceof StoreError && error.code === 'failed';
      if (!passing || wait === undefined || signal.aborted) throw error;
      info(`${store.url}: ${key} from byte ${range.start} is read again: ${error.message}`);
      await sleep(wait, undefined, { signal });
    }
  }
}

async function readRange(key: string, range: Range, store: PartStore, signal: AbortSignal): Promise<Buffer> {
  const length = range.end - range.start;
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const chunk of await store.read(key, range)) {
    if (signal.aborted || filled + chunk.length > length) break;
    filled += (chunk as Buffer).copy(bytes, filled);
  }
  if (filled === length) return bytes;
  throw new StoreError('failed', `${store.url}: ${key}: ${filled} of ${length} bytes came.`);
}
