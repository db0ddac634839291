import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ManifestPart } from '../../src/catalog/manifest.ts';
import { openFileStore } from '../../src/store/file.ts';
import { DamagedPart, type PartSource, readPart } from '../../src/store/part-reader.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { runFolder } from '../servers/run.ts';
import { type RecordedContext, recordedContext } from './context.ts';
import { bytesOf, failureOf, put } from './objects.ts';

const MiB = 1024 * 1024;
const FOLDER = 'shop/20261121T020000Z-7f3a91c2/';
const FIRST = 'data.dump.zst.gpg';
const SECOND = `${FIRST}.0001`;
const THIRD = `${FIRST}.0002`;

/** Ranges are of 8 MiB: the first volume has more than can be under way at once, the second one and a byte. */
const whole = bytesOf(56 * MiB + 12);
const volumes = new Map([
  [FIRST, whole.subarray(0, 48 * MiB + 5)],
  [SECOND, whole.subarray(48 * MiB + 5, 56 * MiB + 6)],
  [THIRD, whole.subarray(56 * MiB + 6)],
]);

let root: string;
let context: RecordedContext;
let store: Store;

beforeAll(async () => {
  root = mkdtempSync(join(runFolder(), 'parts-'));
  store = openFileStore({ path: root, url: `file://${root}` }, recordedContext());
  for (const [key, bytes] of volumes) await put(store, FOLDER + key, bytes);
});

beforeEach(() => {
  context = recordedContext();
});

afterAll(() => rmSync(root, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const part: ManifestPart = {
  name: 'data',
  plain: 1,
  volumes: [...volumes].map(([key, bytes]) => ({ key, size: bytes.length, sha256: sha256(bytes) })),
};

function sourceOf(options: Partial<PartSource> = {}): PartSource {
  return { store, folder: FOLDER, part, signal: context.signal, info: context.info, ...options };
}

/** What came, and how it ended: bytes count only when it ended well. */
async function read(source: PartSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readPart(source)) hash.update(chunk);
  return hash.digest('hex');
}

/** A store whose reading goes through `around`: the wire's side. */
function wrapped(around: (key: string, start: number, read: () => Promise<Readable>) => Promise<Readable>): Store {
  return Object.assign(Object.create(store) as Store, {
    size: (key: string) => store.size(key),
    read: (key: string, range?: { start: number; end: number }) =>
      around(key, range?.start ?? 0, () => store.read(key, range)),
  });
}

async function* torn(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    yield (chunk as Buffer).subarray(0, 1000);
    throw new StoreError('failed', 'the connection was reset');
  }
}

test('volumes of many ranges, of two and of one come whole and in their order', async () => {
  await expect(read(sourceOf())).resolves.toBe(sha256(whole));
  await expect(read(sourceOf({ sha256: sha256(whole) }))).resolves.toBe(sha256(whole));
  expect(context.lines).toEqual([]);
});

test('a part of one volume is held against the sha256 of the whole too', async () => {
  const one = { ...part, volumes: part.volumes.slice(2) };
  const [last = whole] = [...volumes.values()].slice(2);
  await expect(read(sourceOf({ part: one, sha256: sha256(last) }))).resolves.toBe(sha256(last));
  const error = await failureOf(read(sourceOf({ part: one, sha256: sha256(whole) })));
  expect(error).toBeInstanceOf(DamagedPart);
});

describe('what was stored is no longer there as it was', () => {
  /** Damages a stored file for the length of one test. */
  async function damaged(key: string, act: (path: string, bytes: Buffer) => void): Promise<Error> {
    const path = join(root, FOLDER, key);
    const bytes = readFileSync(path);
    act(path, bytes);
    try {
      return await failureOf(read(sourceOf({ sha256: sha256(whole) })));
    } finally {
      writeFileSync(path, volumes.get(key) ?? '');
    }
  }

  test.each([
    [FIRST, 0],
    [FIRST, 8 * MiB],
    [FIRST, 48 * MiB + 4],
    [SECOND, 8 * MiB],
    [THIRD, 3],
  ])('a bit of %s is flipped at %d', async (key, at) => {
    const error = await damaged(key, (path, bytes) => {
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      writeFileSync(path, bytes);
    });
    expect(error).toBeInstanceOf(DamagedPart);
    expect(error.message).toMatch(
      new RegExp(`${FOLDER}${key} is not what was stored: its sha256 is [0-9a-f]{64}, the manifest says [0-9a-f]{64}`),
    );
  });

  test.each([FIRST, SECOND, THIRD])('%s is cut', async (key) => {
    const size = volumes.get(key)?.length ?? 0;
    const error = await damaged(key, (path) => truncateSync(path, size - 1));
    expect(error).toBeInstanceOf(DamagedPart);
    expect(error.message).toContain(`${FOLDER}${key} has ${size - 1} bytes, the manifest says ${size}.`);
  });

  test.each([FIRST, THIRD])('%s has grown', async (key) => {
    const error = await damaged(key, (path, bytes) => writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)])));
    expect(error).toBeInstanceOf(DamagedPart);
  });

  test.each([FIRST, THIRD])('%s is missing', async (key) => {
    const error = await damaged(key, (path) => rmSync(path));
    expect(error).toBeInstanceOf(DamagedPart);
    expect(error.message).toContain(`${FOLDER}${key} is missing.`);
  });
});

test('volumes that are each as the manifest says, of another backup’s part', async () => {
  const error = await failureOf(read(sourceOf({ sha256: sha256(Buffer.from('another')) })));
  expect(error).toBeInstanceOf(DamagedPart);
  expect(error.message).toContain("is not the one that was made with this backup's inventory");
});

describe('the store fails', () => {
  test('twice, midway and before the first byte: the range is read again, and the log says so', async () => {
    let failures = 0;
    const flaky = wrapped(async (key, start, read) => {
      if (key !== FOLDER + FIRST || start !== 16 * MiB || failures === 2) return read();
      failures++;
      if (failures === 2) throw new StoreError('failed', 'the connection was refused');
      return Readable.from(torn(await read()));
    });
    await expect(read(sourceOf({ store: flaky, sha256: sha256(whole) }))).resolves.toBe(sha256(whole));
    expect(context.lines).toEqual([
      `file://${root}: ${FOLDER}${FIRST} from byte ${16 * MiB} is read again: the connection was reset`,
      `file://${root}: ${FOLDER}${FIRST} from byte ${16 * MiB} is read again: the connection was refused`,
    ]);
  });

  test('to send all of a range: it is read again', async () => {
    let failures = 0;
    const short = wrapped(async (_, __, read) => (failures++ === 0 ? Readable.from([Buffer.alloc(10)]) : read()));
    await expect(read(sourceOf({ store: short }))).resolves.toBe(sha256(whole));
    expect(context.lines).toEqual([expect.stringContaining(`10 of ${8 * MiB} bytes came`)]);
  });

  test('for ever: it gives up, and that is no damage', async () => {
    const broken = wrapped(async (_, start, read) => {
      if (start === 8 * MiB) throw new StoreError('failed', 'the connection was refused');
      return read();
    });
    const error = await failureOf(read(sourceOf({ store: broken })));
    expect(error).toBeInstanceOf(StoreError);
    expect(error.message).toBe('the connection was refused');
    expect(context.lines).toHaveLength(3);
  });

  test('with what does not pass: it is not tried again', async () => {
    const closed = wrapped(async () => {
      throw new StoreError('denied', 'these credentials may not');
    });
    await expect(read(sourceOf({ store: closed }))).rejects.toThrow('these credentials may not');
    expect(context.lines).toEqual([]);
  });

  test('and the run is cancelled: it does not wait for the next try', async () => {
    const broken = wrapped(async () => {
      throw new StoreError('failed', 'the connection was refused');
    });
    const started = performance.now();
    setTimeout(context.cancel, 100);
    await expect(read(sourceOf({ store: broken }))).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - started).toBeLessThan(400);
  });
});

test('no more than four ranges are in memory, and a slow reader holds the others back', async () => {
  let given = 0;
  let asked = 0;
  let most = 0;
  const counting = wrapped(async (_, __, read) => {
    asked++;
    most = Math.max(most, asked - given);
    return read();
  });
  for await (const chunk of readPart(sourceOf({ store: counting }))) {
    given++;
    await sleep(chunk.length > MiB ? 20 : 0);
  }
  expect({ most, asked, given }).toEqual({ most: 4, asked: 10, given: 10 });
});

describe('nobody reads on', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  beforeAll(() => void process.on('unhandledRejection', note));
  afterAll(() => void process.off('unhandledRejection', note));

  test('what is under way is let go of: no error goes unhandled, nothing is tried again', async () => {
    let reads = 0;
    const failing = wrapped(async (_, start, read) => {
      reads++;
      if (start === 0) return read();
      await sleep(200);
      throw new StoreError('failed', 'the connection was refused');
    });
    for await (const _ of readPart(sourceOf({ store: failing }))) break;
    const before = reads;
    await sleep(700);
    expect(unhandled).toEqual([]);
    expect(reads).toBe(before);
    expect(context.lines).toEqual([]);
  });

  test('a range fails before its turn has come: it is told then', async () => {
    const failing = wrapped(async (_, start, read) => {
      if (start === 0) return read();
      throw new StoreError('denied', 'these credentials may not');
    });
    const reading = readPart(sourceOf({ store: failing }));
    await reading.next();
    await sleep(100);
    expect(unhandled).toEqual([]);
    await expect(reading.next()).rejects.toThrow('these credentials may not');
  });

  test('nor after one range has failed', async () => {
    const failing = wrapped(async (_, start) => {
      await sleep(start / MiB);
      throw new StoreError(start === 0 ? 'denied' : 'failed', 'the connection was refused');
    });
    await failureOf(read(sourceOf({ store: failing })));
    await sleep(700);
    expect(unhandled).toEqual([]);
    expect(context.lines).toEqual([]);
  });
});
