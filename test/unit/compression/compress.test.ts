import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Compressor } from '../../../src/compression/compress.ts';

const MiB = 1024 * 1024;

async function* chunksOf(sizes: number[]): AsyncGenerator<Buffer> {
  for (const [index, size] of sizes.entries()) {
    const chunk = Buffer.alloc(size, index + 1);
    yield chunk;
    chunk.fill(0); // What was given is the giver's again.
  }
}

describe('Compressor', () => {
  test.each([
    { title: 'nothing', sizes: [] },
    { title: 'one byte', sizes: [1] },
    { title: 'a whole buffer', sizes: [2 * MiB] },
    { title: 'one byte more', sizes: [2 * MiB, 1] },
    { title: 'a pipe', sizes: Array(200).fill(65_536) },
    { title: 'chunks larger than the buffers', sizes: [5 * MiB, 3, 7 * MiB + 1] },
  ])('$title', async ({ sizes }) => {
    const compressor = new Compressor(1);
    const [compressed] = await Promise.all([buffer(compressor.output), pipeline(chunksOf(sizes), compressor.fill)]);
    const expected = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
    expect(zstdDecompressSync(compressed).equals(expected)).toBe(true);
    expect(compressor.taken).toBe(expected.length);
  });

  test('takes no more than it can pass on', async () => {
    let given = 0;
    const random = async function* () {
      const { randomBytes } = await import('node:crypto');
      for (; given < 64; given++) yield randomBytes(MiB);
    };
    const compressor = new Compressor(1);
    const filling = pipeline(random(), compressor.fill);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(given).toBeLessThan(12);
    await Promise.all([buffer(compressor.output), filling]);
    expect(given).toBe(64);
  });

  test('it is gone while the source waits, and then the source fails: that is all that is heard', async () => {
    const compressor = new Compressor(1);
    const source = async function* () {
      yield Buffer.alloc(2 * MiB);
      compressor.destroy();
      yield Buffer.alloc(2 * MiB);
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('the source has failed');
    };
    await expect(pipeline(source(), compressor.fill)).rejects.toThrow('the source has failed');
  });

  test('whoever fills it learns that it is gone', async () => {
    const compressor = new Compressor(1);
    const filling = pipeline(chunksOf(Array(64).fill(MiB)), compressor.fill);
    compressor.destroy();
    await expect(filling).rejects.toThrow(/destroyed/);
  });
});
