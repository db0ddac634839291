import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runTool } from '../../../src/process/child.ts';
import { EndMark } from '../../../src/process/end-mark.ts';

const MARK = 'f00d';

async function pass(chunks: Buffer[]): Promise<{ bytes: string; wasThere: boolean; told: number }> {
  let told = 0;
  const mark = new EndMark(MARK, () => told++);
  const out: Buffer[] = [];
  for await (const chunk of Readable.from(chunks).pipe(mark)) out.push(chunk as Buffer);
  return { bytes: Buffer.concat(out).toString('latin1'), wasThere: mark.wasThere, told };
}

/** Cuts bytes into chunks at these places. */
function cut(text: string, places: number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

test('however the bytes come, all but the mark goes through, and it is told once', async () => {
  const bytes = fc.string({ unit: fc.constantFrom('f', '0', 'd', 'x'), maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(50), { maxLength: 8 }), async (text, places) => {
      fc.pre(!`${text}${MARK}`.slice(0, -1).includes(MARK));
      expect(await pass(cut(text + MARK, places))).toEqual({ bytes: text, wasThere: true, told: 1 });
    }),
  );
});

test.each(['', 'f', 'abc', 'xf00', 'f00dx'])('without the mark at the end, %j comes whole', async (text) => {
  expect(await pass(cut(text, [2]))).toMatchObject({ bytes: text, wasThere: false });
});

describe('a tool whose output must end with a mark', () => {
  const context = { signal: new AbortController().signal, track: () => () => {} };
  const tool = (script: string) => ({
    name: 'pg_dump',
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    endMark: MARK,
  });

  test('is whole with it', async () => {
    expect((await runTool(tool(`printf whole${MARK}`), context)).toString()).toBe('whole');
  });

  test('has lost its end without it, though it exits with 0', async () => {
    await expect(runTool(tool('printf whole'), context)).rejects.toThrow(/end of what pg_dump wrote was lost/);
  });

  test('has its input ended when the mark is there', async () => {
    const waits = tool(`printf whole${MARK}; cat > /dev/null`);
    const endless = Buffer.alloc(4 * 1024 * 1024);
    expect((await runTool(waits, context, endless)).toString()).toBe('whole');
  });

  test('how it failed counts more', async () => {
    await expect(runTool(tool('printf half; exit 3'), context)).rejects.toThrow('pg_dump exited with code 3');
  });
});
