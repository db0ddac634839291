import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DamagedArchive } from '../../../src/files/read-archive.ts';
import { readTree } from '../../../src/files/read-tree.ts';
import { END_OF_ARCHIVE } from '../../../src/files/tar.ts';
import { TreeWriter } from '../../../src/files/unpack.ts';
import { newFolder } from '../../support/data/made-tree.ts';

const BLOCK = 512;
/** Where the fields of a header stand (POSIX.1-2024, pax, "ustar Interchange Format"). */
const FIELDS = { name: 0, mode: 100, uid: 108, gid: 116, size: 124, mtime: 136, type: 156, link: 157, end: 500 };
type Field = Exclude<keyof typeof FIELDS, 'end'>;

/** A header with fields as an attacker writes them: text or bytes, each cut at its end. */
function header(fields: Partial<Record<Field, string | Uint8Array>>): Buffer {
  const block = Buffer.alloc(BLOCK);
  const usual = {
    mode: '0000644\0',
    uid: '0000000\0',
    gid: '0000000\0',
    size: '00000000000\0',
    mtime: '00000000000\0',
  };
  const places = Object.values(FIELDS);
  for (const [field, value] of Object.entries({ ...usual, type: '0', ...fields })) {
    const start = FIELDS[field as Field];
    const end = Math.min(...places.filter((place) => place > start), start === FIELDS.mtime ? 148 : BLOCK);
    Buffer.from(value as string)
      .subarray(0, end - start)
      .copy(block, start);
  }
  block.write('ustar\x0000', 257);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** An extended header with these records. */
function extended(records: [key: string, value: string][]): Buffer {
  const body = Buffer.concat(
    records.map(([key, value]) => {
      const text = Buffer.from(` ${key}=${value}\n`);
      let length = text.length + 1;
      while (String(length).length + text.length !== length) length++;
      return Buffer.concat([Buffer.from(String(length)), text]);
    }),
  );
  const size = `${body.length.toString(8).padStart(11, '0')}\0`;
  return Buffer.concat([
    header({ name: './PaxHeader', size, type: 'x' }),
    body,
    Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK),
  ]);
}

const ROOT = header({ name: './', type: '5', mode: '0000755\0' });

/** Reads it, writing and not; the error, or null. Anything but a damaged archive is thrown. */
async function problemOf(...blocks: Buffer[]): Promise<DamagedArchive | null> {
  const archive = Buffer.concat([ROOT, ...blocks, END_OF_ARCHIVE]);
  const source = async function* () {
    yield archive;
  };
  const folder = join(newFolder(), 'into');
  const problems: (DamagedArchive | null)[] = [];
  for (const writer of [null, new TreeWriter(folder)]) {
    try {
      await readTree(source(), writer);
      problems.push(null);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      problems.push(error);
    }
  }
  expect(problems[0] === null).toBe(problems[1] === null);
  return problems[0] ?? null;
}

const BINARY = (first: number, rest: number) => Uint8Array.from([first, ...new Array(11).fill(rest)]);

test.each<[string, Buffer[]]>([
  ['a time that is no number', [header({ name: './a', mtime: 'not a number' })]],
  ['a time beyond every date', [header({ name: './a', mtime: BINARY(0x80, 0xff) })]],
  ['a time before every date', [header({ name: './a', mtime: BINARY(0xff, 0x00) })]],
  ['a time of an extended header beyond every clock', [extended([['mtime', '9'.repeat(40)]]), header({ name: './a' })]],
  ['a size that is no number', [header({ name: './a', size: 'many bytes!' })]],
  ['a size below 0', [header({ name: './a', size: BINARY(0xff, 0x00) })]],
  ['a size beyond every disk', [header({ name: './a', size: BINARY(0x80, 0xff) })]],
  ['an owner that is no number', [header({ name: './a', uid: 'nobody!' })]],
  ['an owner below 0', [header({ name: './a', uid: Uint8Array.from([0xff, 0, 0, 0, 0, 0, 0, 0]) })]],
  ['an owner beyond 32 bits', [extended([['uid', '9999999999']]), header({ name: './a' })]],
  ['a group beyond 32 bits', [extended([['gid', '4294967296']]), header({ name: './a' })]],
  ['a NUL in a name', [extended([['path', './a\0b']]), header({ name: './a' })]],
  ['a NUL in where a link points to', [extended([['linkpath', 'a\0b']]), header({ name: './a', type: '2' })]],
  ['a link to nothing', [header({ name: './a', type: '2' })]],
])('%s is a damaged archive', async (_, blocks) => {
  expect(await problemOf(...blocks)).toBeInstanceOf(DamagedArchive);
});

test('any header and any extended header: read, or a damaged archive', async () => {
  const bytes = (length: number) =>
    fc.oneof(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.string({ unit: fc.constantFrom(...'01237 x-\0'), maxLength: length }),
    );
  const fields = fc.record(
    {
      name: fc.oneof(fc.constant('./a'), fc.constant('./a/'), bytes(100)),
      mode: bytes(8),
      uid: bytes(8),
      gid: bytes(8),
      size: bytes(12),
      mtime: bytes(12),
      type: fc.constantFrom('0', '2', '5', 'x', 'g', 'L', 'K', '7', '\0', 'A'),
      link: bytes(100),
    },
    { requiredKeys: ['name'] },
  );
  const key = fc.constantFrom('path', 'linkpath', 'size', 'mtime', 'uid', 'gid', 'mode', '__proto__', 'toString', '');
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('-1', '1e999', 'NaN', '9'.repeat(30), '0x10', './a', '../a', '/a', './a\0b', ''),
  );
  await fc.assert(
    fc.asyncProperty(fields, fc.array(fc.tuple(key, value), { maxLength: 4 }), async (made, records) => {
      await problemOf(...(records.length === 0 ? [] : [extended(records)]), header(made));
    }),
    { numRuns: 400 },
  );
});
