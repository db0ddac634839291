import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RANGE_SIZE } from '../../../../src/formats/sums.ts';
import { discardObjects, FanOut, newTarget, PartWriter, type Target } from '../../../../src/store/fan-out/fan-out.ts';
import { RangeDigests } from '../../../../src/store/fan-out/range-digests.ts';
import { openFileStore } from '../../../../src/store/file/store.ts';
import { type Store, StoreError, type Upload } from '../../../../src/store/store.ts';
import { openTimed } from '../../../../src/store/timeout/timed.ts';

const context = { signal: new AbortController().signal, track: () => () => {}, info: () => {} };
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-fan-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function fileTarget(name: string): Target {
  return newTarget(openFileStore({ path: join(root, name), url: `file://${name}` }, context));
}

/** A real store in front of which one call of an upload goes wrong. */
function faulty(target: Target, change: (upload: Upload) => Partial<Upload>): Target {
  const { store } = target;
  const create = async (key: string) => {
    const upload = await store.create(key);
    const healthy = { write: upload.write, commit: upload.commit, abort: upload.abort };
    for (const [name, method] of Object.entries(healthy)) Object.assign(healthy, { [name]: method.bind(upload) });
    return { ...healthy, ...change(healthy) };
  };
  return newTarget(
    Object.assign(Object.create(store) as Store, { create, remove: store.remove.bind(store), url: store.url }),
  );
}

const names = (index: number) => {
  const key = index === 0 ? 'part' : `part.${index}`;
  return { key: `set/id/${key}`, file: key, sumsKey: null };
};

async function* chunks(...sizes: number[]): AsyncGenerator<Uint8Array> {
  let value = 0;
  for (const size of sizes) yield Buffer.alloc(size, value++);
}

function fanOut(targets: Target[]): { fan: FanOut; failures: string[] } {
  const failures: string[] = [];
  const onFailure = ({ store }: Target, error: Error) => failures.push(`${store.url}: ${error.message}`);
  return { fan: new FanOut(targets, { readBackRequired: false, onFailure }), failures };
}

function filesOf(name: string): string[] {
  try {
    return readdirSync(join(root, name, 'set/id')).sort();
  } catch {
    return [];
  }
}

test('a volume gets its side object, before the next volume begins', async () => {
  const { fan } = fanOut([fileTarget('a')]);
  const writer = new PartWriter(fan, 100, (index) => ({ ...names(index), sumsKey: `set/id/${index}.sums` }));
  await writer.drain(chunks(150));
  expect(filesOf('a')).toContain('0.sums');
  const { volumes } = await writer.commit();
  for (const [index, { key, sums }] of volumes.entries()) {
    const stored = readFileSync(join(root, 'a', 'set/id', `${index}.sums`));
    // Both volumes are shorter than a range.
    expect(stored.toString('hex')).toBe(digest(readFileSync(join(root, 'a', 'set/id', key))));
    expect(sums).toBe(digest(stored));
  }
});

test('a part that is one range gets no side object: its sha256 says it all', async () => {
  const { fan } = fanOut([fileTarget('a')]);
  const writer = new PartWriter(fan, 100, (index) => ({ ...names(index), sumsKey: `set/id/${index}.sums` }));
  await writer.drain(chunks(99));
  expect((await writer.commit()).volumes).toEqual([expect.objectContaining({ size: 99, sums: null })]);
  expect(filesOf('a')).toEqual(['part']);
});

test('the digests of ranges do not depend on how the bytes come', () => {
  const bytes = Buffer.alloc(2 * RANGE_SIZE + 5, 'x');
  const expected = [0, RANGE_SIZE, 2 * RANGE_SIZE].map((at) => digest(bytes.subarray(at, at + RANGE_SIZE))).join('');
  for (const size of [1024 * 1024 + 1, RANGE_SIZE, RANGE_SIZE - 1, bytes.length]) {
    const digests = new RangeDigests();
    for (let at = 0; at < bytes.length; at += size) digests.update(bytes.subarray(at, at + size));
    expect(digests.finish().toString('hex')).toBe(expected);
  }
});

describe('a part', () => {
  test.each([[[100]], [[30, 30, 40]], [[99]], [[101]], [[250]], [[1, 299]], [[300]]])(
    'of %j bytes lies in volumes of 100, the same in every store, joined it is the part',
    async (sizes) => {
      const { fan } = fanOut([fileTarget('a'), fileTarget('b')]);
      const writer = new PartWriter(fan, 100, names);
      await writer.drain(chunks(...sizes));
      const { volumes, sha256 } = await writer.commit();
      const whole: Uint8Array[] = [];
      for await (const chunk of chunks(...sizes)) whole.push(chunk);
      const expected = Buffer.concat(whole);
      expect(volumes).toHaveLength(Math.ceil(expected.length / 100));
      for (const store of ['a', 'b']) {
        const stored = volumes.map(({ key }) => readFileSync(join(root, store, 'set/id', key)));
        expect(Buffer.concat(stored).equals(expected)).toBe(true);
        expect(volumes.map(({ sha256 }) => sha256)).toEqual(stored.map(digest));
        expect(volumes.map(({ size }) => size)).toEqual(stored.map(({ length }) => length));
      }
      expect(sha256).toBe(digest(expected));
    },
  );

  test('is not there before it is committed', async () => {
    const { fan } = fanOut([fileTarget('a')]);
    const writer = new PartWriter(fan, 100, names);
    await writer.drain(chunks(50));
    expect(filesOf('a').filter((name) => !name.startsWith('.'))).toEqual([]);
    await writer.abort();
    expect(filesOf('a')).toEqual([]);
  });
});

describe('with several stores', () => {
  const broken = { write: () => Promise.reject(new StoreError('full', 'disk full')) };

  test('one that fails is given up alone', async () => {
    const [good, bad] = [fileTarget('good'), faulty(fileTarget('bad'), () => broken)];
    const { fan, failures } = fanOut([bad, good]);
    const writer = new PartWriter(fan, 100, names);
    await writer.drain(chunks(150));
    await writer.commit();
    expect(failures).toEqual(['file://bad: disk full']);
    expect(fan.alive()).toEqual([good]);
    expect(filesOf('good')).toEqual(['part', 'part.1']);
    expect(filesOf('bad')).toEqual([]);
  });

  test('one that takes no byte for store-timeout is given up alone', async () => {
    const { store } = faulty(fileTarget('stalled'), () => ({ write: () => new Promise(() => {}) }));
    const stalled = newTarget(await openTimed(200, context, async () => store));
    const { fan, failures } = fanOut([stalled, fileTarget('good')]);
    const writer = new PartWriter(fan, 100, names);
    await writer.drain(chunks(150));
    await writer.commit();
    expect(failures).toEqual([expect.stringMatching(/^file:\/\/stalled: .*did not answer.*store-timeout/)]);
    expect(filesOf('good')).toEqual(['part', 'part.1']);
    expect(filesOf('stalled')).toEqual([]);
  });

  test('the last one that fails, fails the part with its own reason', async () => {
    const { fan } = fanOut([faulty(fileTarget('a'), () => broken), faulty(fileTarget('b'), () => broken)]);
    const writer = new PartWriter(fan, 100, names);
    await expect(writer.drain(chunks(10))).rejects.toThrow('disk full');
  });
});

describe('what a failed run has written', () => {
  async function written(target: Target): Promise<void> {
    const { fan } = fanOut([target]);
    for (const key of ['set/id/part', 'set/id/manifest.json']) await fan.putObject(key, () => Buffer.from(key));
  }

  test('is removed, the manifest first', async () => {
    const target = fileTarget('a');
    await written(target);
    const removed: string[] = [];
    const remove = target.store.remove.bind(target.store);
    target.store.remove = (key) => {
      removed.push(key);
      return remove(key);
    };
    await discardObjects([target]);
    expect(removed).toEqual(['set/id/manifest.json', 'set/id/part']);
    expect(filesOf('a')).toEqual([]);
  });

  test('stays when the manifest cannot be removed: one without its parts would look like a backup', async () => {
    const target = fileTarget('a');
    await written(target);
    target.store.remove = () => Promise.reject(new StoreError('denied', 'may not delete'));
    await discardObjects([target]);
    expect(filesOf('a')).toEqual(['manifest.json', 'part']);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
