import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { DamagedFrame, decompress } from '../../../src/compression/decompress.ts';
import { runnersNode } from '../../support/action/harness.ts';
import { execute } from '../../support/servers/execute.ts';

const PROGRAM = join(import.meta.dirname, 'decompress-program.ts');

const whole = 'as it was';
const notZstd = expect.stringMatching(/^DamagedFrame: It is no whole zstd stream/);
const damaged = expect.stringMatching(/^DamagedFrame: /);

/** That Node takes truncated streams for whole: what is left to hold them against is how many bytes came. */
describe.each([
  { title: 'this Node', node: () => process.execPath, truncated: damaged },
  { title: 'the Node of runners', node: runnersNode, truncated: whole },
])('$title', ({ node, truncated }) => {
  test('gives out what was compressed, or fails', async () => {
    const printed = await execute(node(), ['--no-warnings', PROGRAM], { env: { PATH: process.env.PATH } });
    expect(JSON.parse(printed)).toEqual({
      whole,
      'whole, with an empty frame behind it': whole,
      'whole, with half an empty frame in a chunk of its own': whole,
      'in two frames': damaged,
      'an empty frame': whole,
      'no bytes': damaged,
      'no bytes, none expected': truncated,
      'a byte': damaged,
      'its magic number': damaged,
      'its half': damaged,
      'without its checksum': truncated,
      'without its last byte': truncated,
      'an empty frame cut, none expected': truncated,
      'a flipped bit': notZstd,
      'a flipped bit of the checksum': notZstd,
      'text behind it': damaged,
      'much behind it': damaged,
      'half a frame behind it': damaged,
      'a note behind it': whole,
      'something else': notZstd,
      'a byte more than expected': damaged,
      'a byte less than expected': damaged,
      'far more than expected': damaged,
    });
  });
});

test('a source that fails: that is what is told', async () => {
  const source = async function* () {
    yield zstdCompressSync(randomBytes(1000)).subarray(0, 500);
    throw new Error('the store has failed');
  };
  const read = async () => {
    for await (const _ of decompress(source(), 1000));
  };
  await expect(read()).rejects.toThrow(/^the store has failed$/);
});

test.each([
  ['its reader stops early', zstdCompressSync(randomBytes(8_000_000)), null],
  ['the stream is damaged', randomBytes(8_000_000), DamagedFrame],
  ['more comes than was compressed', zstdCompressSync(randomBytes(20_000_000)), DamagedFrame],
])('its source is closed when %s', async (_, bytes, error) => {
  let closed = false;
  const source = async function* () {
    try {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    } finally {
      closed = true;
    }
  };
  const read = async () => {
    for await (const _ of decompress(source(), 8_000_000)) if (error === null) break;
  };
  if (error === null) await read();
  else await expect(read()).rejects.toBeInstanceOf(error);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(closed).toBe(true);
});
