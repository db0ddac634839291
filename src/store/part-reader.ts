import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManifestPart, Volume } from '../catalog/manifest.ts';
import { LifeboatError } from '../errors.ts';
import { type PartStore, StoreError } from './store.ts';

/** Bytes fetched by one request. */
const RANGE = 8 * 1024 * 1024;
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
  /** What all volumes together must be, hex, when it is known from elsewhere. */
  sha256?: string;
  signal: AbortSignal;
  /** A line for the log: a retry. */
  info(line: string): void;
}

/** Whether every volume is there and as long as it was: told before anything is made of the others. */
export async function checkSizes(source: Pick<PartSource, 'store' | 'folder' | 'part'>): Promise<void> {
  for (const volume of source.part.volumes) await checkSize(source.folder + volume.key, volume, source);
}

/**
 * The stored bytes of a part: its volumes in their order, fetched by ranges side by side. Size and sha256 of each volume
 * are held against the manifest when its last byte has passed, so nothing that was read counts before the end of the
 * stream. Throws {@link DamagedPart}, or a StoreError when the store cannot be read.
 */
export async function* readPart(source: PartSource): AsyncGenerator<Uint8Array> {
  const { part, sha256, store, folder } = source;
  const whole = createHash('sha256');
  for (const volume of part.volumes) {
    for await (const bytes of readVolume(volume, source)) {
      if (sha256 !== undefined && part.volumes.length > 1) whole.update(bytes);
      yield bytes;
    }
  }
  if (sha256 === undefined) return;
  const digest = part.volumes.length > 1 ? whole.digest('hex') : part.volumes[0]?.sha256;
  if (digest === sha256) return;
  throw new DamagedPart(
    part.name,
    `${store.url}: part ${part.name} in ${folder} is not the one that was made with this backup's inventory.`,
  );
}

async function* readVolume(volume: Volume, source: PartSource): AsyncGenerator<Uint8Array> {
  const { part } = source;
  const key = source.folder + volume.key;
  await checkSize(key, volume, source);
  const hash = createHash('sha256');
  const stop = new AbortController();
  const signal = AbortSignal.any([source.signal, stop.signal]);
  try {
    for await (const bytes of inOrder(rangesOf(volume.size), (range) =>
      fetchRange(key, range, { ...source, signal }),
    )) {
      hash.update(bytes);
      yield bytes;
    }
  } finally {
    stop.abort(); // When nobody reads on, what is under way is not tried again.
  }
  const digest = hash.digest('hex');
  if (digest === volume.sha256) return;
  throw new DamagedPart(
    part.name,
    `${source.store.url}: ${key} is not what was stored: its sha256 is ${digest}, the manifest says ${volume.sha256}.`,
  );
}

async function checkSize(
  key: string,
  volume: Volume,
  { store, part }: Pick<PartSource, 'store' | 'part'>,
): Promise<void> {
  let size: number;
  try {
    size = await store.size(key);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
    throw new DamagedPart(part.name, `${store.url}: ${key} is missing.`, { cause: error });
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
  for (let start = 0; start < size; start += RANGE) yield { start, end: Math.min(start + RANGE, size) };
}

/** Several at once, results in order; no more are under way than {@link AT_ONCE}. */
async function* inOrder<T, R>(items: Iterable<T>, act: (item: T) => Promise<R>): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for (const item of items) {
    const result = act(item);
    result.catch(() => {}); // Told when its turn comes, which may be later, or never.
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
