import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ManifestPart } from '../../../src/formats/manifest.ts';
import {
  DamagedPart,
  digestPart,
  type PartSource,
  readPart,
  readSums,
  readWhole,
} from '../../../src/repository/part-reader.ts';
import { openFileStore } from '../../../src/store/file/store.ts';
import { type Store, StoreError } from '../../../src/store/store.ts';
import { runFolder } from '../../support/servers/run.ts';
import { type RecordedContext, recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, put } from '../../support/store/objects.ts';

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

/** What the side object of a volume holds. */
function sumsOf(bytes: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += 8 * MiB) {
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(start, start + 8 * MiB))
        .digest(),
    );
  }
  return Buffer.concat(digests);
}

const SUMS = [...volumes.values()].map(sumsOf);

const part: ManifestPart = {
  name: 'data',
  plain: 1,
  volumes: [...volumes].map(([key, bytes]) => ({
    key,
    size: bytes.length,
    sha256: sha256(bytes),
    sums: sha256(sumsOf(bytes)),
  })),
};

function sourceOf(options: Partial<PartSource> = {}): PartSource {
  return { store, folder: FOLDER, part, signal: context.signal, info: context.info, ...options };
}

/** What came, when it ended well. */
async function read(source: PartSource, sums: Uint8Array[] = SUMS): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readPart(source, sums)) hash.update(chunk);
  return hash.digest('hex');
}

/** As a part without side objects is read: once to verify it, once to use it. */
async function readTwice(source: PartSource, expected = sha256(whole)): Promise<string> {
  return read(source, await digestPart(source, expected));
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
  await expect(readTwice(sourceOf())).resolves.toBe(sha256(whole));
  expect(sha256(Buffer.concat(await readWhole(sourceOf())))).toBe(sha256(whole));
  expect(context.lines).toEqual([]);
});

test('compares a part of one volume with the sha256 of the whole too', async () => {
  const one = { ...part, volumes: part.volumes.slice(2) };
  const [last = whole] = [...volumes.values()].slice(2);
  await expect(readTwice(sourceOf({ part: one }), sha256(last))).resolves.toBe(sha256(last));
  const error = await failureOf(readTwice(sourceOf({ part: one }), sha256(whole)));
  expect(error).toBeInstanceOf(DamagedPart);
});

describe('what was stored is no longer there as it was', () => {
  /** Damages a stored file for the length of one test. */
  async function damaged(
    key: string,
    act: (path: string, bytes: Buffer) => void,
    reading: () => Promise<unknown> = () => readTwice(sourceOf()),
  ): Promise<Error> {
    const path = join(root, FOLDER, key);
    const bytes = readFileSync(path);
    act(path, bytes);
    try {
      return await failureOf(reading());
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

  test.each([
    [FIRST, 8 * MiB],
    [FIRST, 24 * MiB + 17],
    [SECOND, 3],
  ])('yields nothing of a range of %s that differs at %d, and all before it', async (key, at) => {
    let yielded = 0;
    const before = key === FIRST ? Math.floor(at / (8 * MiB)) * 8 * MiB : (volumes.get(FIRST)?.length ?? 0);
    const error = await damaged(
      key,
      (path, bytes) => {
        bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
        writeFileSync(path, bytes);
      },
      async () => {
        for await (const chunk of readPart(sourceOf(), SUMS)) yielded += chunk.length;
      },
    );
    expect(error).toBeInstanceOf(DamagedPart);
    expect(error.message).toMatch(new RegExp(`${FOLDER}${key} is not what was stored: the sha256 of its bytes`));
    expect(yielded).toBe(before);
  });

  test('yields nothing of a range that was exchanged after the first pass', async () => {
    const sums = await digestPart(sourceOf(), sha256(whole));
    let yielded = 0;
    const error = await damaged(
      FIRST,
      (path, bytes) => {
        bytes.fill(0x41, 0, 1000);
        writeFileSync(path, bytes);
      },
      async () => {
        for await (const chunk of readPart(sourceOf(), sums)) yielded += chunk.length;
      },
    );
    expect(error).toBeInstanceOf(DamagedPart);
    expect(yielded).toBe(0);
  });

  test('resolves with nothing of a part that is read whole and differs', async () => {
    const flip = (path: string, bytes: Buffer) => {
      bytes.writeUInt8(bytes.readUInt8(5) ^ 1, 5);
      writeFileSync(path, bytes);
    };
    expect(await damaged(THIRD, flip, () => readWhole(sourceOf()))).toBeInstanceOf(DamagedPart);
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

test("volumes that are each as the manifest says, of another backup's part", async () => {
  const error = await failureOf(readTwice(sourceOf(), sha256(Buffer.from('another'))));
  expect(error).toBeInstanceOf(DamagedPart);
  expect(error.message).toContain("is not the one that this backup's inventory names");
});

describe('side objects', () => {
  const files = ['data.sums', 'data.0001.sums', 'data.0002.sums'];

  beforeEach(() => files.forEach((file, index) => void writeFileSync(join(root, FOLDER, file), SUMS[index] as Buffer)));
  afterAll(() => files.forEach((file) => void rmSync(join(root, FOLDER, file), { force: true })));

  test('are read, and let the part pass', async () => {
    await expect(read(sourceOf(), await readSums(sourceOf()))).resolves.toBe(sha256(whole));
  });

  test.each<[what: string, change: (path: string) => void, says: RegExp]>([
    ['missing', (path) => rmSync(path), /0001\.sums is missing/],
    ['cut', (path) => truncateSync(path, 32), /0001\.sums has 32 bytes, the manifest says 64/],
    ['of another volume', (path) => writeFileSync(path, Buffer.alloc(64)), /0001\.sums is not what was stored/],
  ])('one that is %s is refused', async (_, change, says) => {
    change(join(root, FOLDER, 'data.0001.sums'));
    const error = await failureOf(readSums(sourceOf()));
    expect(error).toBeInstanceOf(DamagedPart);
    expect(error.message).toMatch(says);
  });

  test('of a volume that no store holds are not read', async () => {
    const [volume] = part.volumes;
    const huge = { ...part, volumes: [{ ...(volume as ManifestPart['volumes'][number]), size: 2 ** 50 }] };
    expect((await failureOf(readSums(sourceOf({ part: huge })))).message).toMatch(/which is too many/);
  });
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
    await expect(read(sourceOf({ store: flaky }))).resolves.toBe(sha256(whole));
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
    let tries = 0;
    let cancelled = Number.POSITIVE_INFINITY;
    const broken = wrapped(async (_, start, read) => {
      if (start > 0) return read();
      // The next try would be 2 s after the second one.
      if (++tries === 2) {
        setTimeout(() => {
          cancelled = performance.now();
          context.cancel();
        }, 100);
      }
      throw new StoreError('failed', 'the connection was refused');
    });
    await expect(read(sourceOf({ store: broken }))).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - cancelled).toBeLessThan(1_500);
    expect(tries).toBe(2);
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
  for await (const chunk of readPart(sourceOf({ store: counting }), SUMS)) {
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
    for await (const _ of readPart(sourceOf({ store: failing }), SUMS)) break;
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
    const reading = readPart(sourceOf({ store: failing }), SUMS);
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
