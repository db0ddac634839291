import { chmodSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Entry } from '../../../src/files/entry.ts';
import { readArchive } from '../../../src/files/read-archive.ts';
import { readTree } from '../../../src/files/read-tree.ts';
import { END_OF_ARCHIVE, headerOf, paddingOf } from '../../../src/files/tar.ts';
import { TreeWriter } from '../../../src/files/unpack.ts';
import { makeTree, newFolder, pack, treeOf } from '../../support/data/made-tree.ts';
import { execute } from '../../support/servers/execute.ts';

async function* pieces(bytes: Uint8Array, size = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

const ENTRY: Entry = { type: 'file', path: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n, target: '' };
const ROOT: Entry = { ...ENTRY, type: 'folder', path: '', mode: 0o755 };

/** An archive of these entries, each with its content. */
function archiveOf(...entries: (Partial<Entry> & { content?: string })[]): Buffer {
  const blocks = entries.map(({ content = '', ...entry }) => {
    const bytes = Buffer.from(content);
    return Buffer.concat([headerOf({ ...ENTRY, size: bytes.length, ...entry }), bytes, paddingOf(bytes.length)]);
  });
  return Buffer.concat([...blocks, END_OF_ARCHIVE]);
}

/** The name in an archive's first header with that name, replaced by another of the same length. */
function renamed(archive: Buffer, from: string, to: string): Buffer {
  const at = archive.indexOf(from);
  archive.write(to, at);
  const header = archive.subarray(at - (at % 512), at - (at % 512) + 512);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return archive;
}

describe('what is read back is what was packed', () => {
  test('counts and digest, in pieces of any size', async () => {
    const folder = makeTree({ 'a/b': 'content', 'ü\n': '', 'long/link': { to: 'x'.repeat(300) }, empty: null });
    const { archive, packer } = await pack(treeOf(folder));
    const expected = { ...packer.digest.counts, digest: packer.digest.digest() };
    expect(expected).toMatchObject({ files: 2, folders: 4, links: 1, bytes: 7 });
    for (const size of [1, 511, 512, 10_000]) {
      expect(await readTree(pieces(archive, size), null)).toEqual(expected);
    }
  });

  const entries = fc.uniqueArray(
    fc.record({
      path: fc.stringMatching(/^[a-zä\n🛟 -]{1,120}$/u),
      mode: fc.nat(0o7777),
      uid: fc.nat(2 ** 32 - 1),
      gid: fc.nat(2 ** 32 - 1),
      mtime: fc.bigInt(-(2n ** 62n), 2n ** 62n),
      target: fc.string({ minLength: 1, maxLength: 200 }).filter((text) => !text.includes('\0')),
      type: fc.constantFrom('file', 'folder', 'link'),
      content: fc.string({ maxLength: 2_000 }),
    }),
    { selector: ({ path }) => path, maxLength: 8 },
  );

  const keyOf = ({ type, path }: Pick<Entry, 'type' | 'path'>) => Buffer.from(type === 'folder' ? `${path}/` : path);

  test('every fact of every entry; and whatever is changed changes the digest', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), async (made, which) => {
        const sorted = made
          .map((entry) => ({
            ...entry,
            target: entry.type === 'link' ? entry.target : '',
            content: entry.type === 'file' ? entry.content : '',
          }))
          .sort((a, b) => Buffer.compare(keyOf(a), keyOf(b)));
        const archive = archiveOf(ROOT, ...sorted);
        const read: unknown[] = [];
        for await (const { entry, content } of readArchive(pieces(archive, 700))) {
          read.push({ ...entry, content: (await buffer(content)).toString() });
        }
        expect(read.slice(1)).toEqual(sorted.map((entry) => ({ ...entry, size: Buffer.byteLength(entry.content) })));

        const { digest } = await readTree(pieces(archive), null);
        const victim = sorted[which % Math.max(1, sorted.length)];
        if (victim === undefined) return;
        const others: Partial<typeof victim>[] = [
          { mode: victim.mode ^ 1 },
          { uid: (victim.uid ^ 1) >>> 0 },
          { gid: (victim.gid ^ 1) >>> 0 },
          ...(victim.type === 'file' ? [{ content: `${victim.content}x` }] : []),
          ...(victim.type === 'link' ? [{ target: `${victim.target}x` }] : []),
        ];
        for (const other of others) {
          const changed = sorted.map((entry) => (entry === victim ? { ...entry, ...other } : entry));
          expect((await readTree(pieces(archiveOf(ROOT, ...changed)), null)).digest).not.toBe(digest);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('what no backup makes is refused', () => {
  const file = { path: 'a', content: 'x' };
  test.each<[string, Buffer, RegExp]>([
    [
      'an absolute name',
      renamed(archiveOf(ROOT, { path: 'xxetc' }), './xxetc', '/xxetc\0'),
      /does not lie in the tree/,
    ],
    ['a name with ..', renamed(archiveOf(ROOT, { path: 'xx/a' }), './xx/a', './../a'), /does not lie in the tree/],
    ['a name with .', renamed(archiveOf(ROOT, { path: 'x/a' }), './x/a', './../'), /does not lie in the tree/],
    ['a doubled slash', renamed(archiveOf(ROOT, { path: 'xx' }), './xx', './/x'), /does not lie in the tree/],
    ['.. in an extended header', archiveOf(ROOT, { path: `../${'ü'.repeat(90)}` }), /does not lie in the tree/],
    [
      'a file below a link',
      archiveOf(ROOT, { type: 'link', path: 'a', target: '/tmp' }, { path: 'a/b' }),
      /lies in no folder/,
    ],
    ['a file below a file', archiveOf(ROOT, { path: 'a' }, { path: 'a/b' }), /lies in no folder/],
    ['a file in a folder that is not there', archiveOf(ROOT, { path: 'a/b' }), /lies in no folder/],
    ['no folder of the tree itself', archiveOf(file), /lies in no folder/],
    ['the same name twice', archiveOf(ROOT, file, file), /is not in order/],
    ['names out of order', archiveOf(ROOT, { path: 'b' }, { path: 'a' }), /is not in order/],
    ['a hard link', retyped('1'), /is no file, folder or link/],
    ['a device', retyped('3'), /is no file, folder or link/],
    ['a folder with content', retyped('5'), /has content|does not lie/],
    ['cut off in a header', archiveOf(ROOT, file).subarray(0, 700), /It is no whole tar archive/],
    [
      'cut off in content',
      archiveOf(ROOT, { path: 'a', content: 'x'.repeat(2_000) }).subarray(0, 1_700),
      /It is no whole/,
    ],
    ['no archive', Buffer.alloc(2_000, 'x'), /It is no whole tar archive/],
  ])('%s', async (_, archive, says) => {
    const folder = join(newFolder(), 'tree');
    await expect(readTree(pieces(archive, 600), new TreeWriter(folder))).rejects.toThrow(says);
    await expect(readTree(pieces(archive, 600), null)).rejects.toThrow(says);
  });

  /** A file whose header says that it is something else. */
  function retyped(typeFlag: string): Buffer {
    const archive = archiveOf(ROOT, file);
    archive.write(typeFlag, 512 + 156);
    return renamed(archive, './a', './a');
  }

  test('what its source throws is thrown', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield archiveOf(ROOT, { path: 'a', content: 'x'.repeat(5_000) }).subarray(0, 2_000);
      throw new Error('the store is gone');
    }
    await expect(readTree(failing(), null)).rejects.toThrow(/^the store is gone$/);
  });
});

describe('unpacked', () => {
  const facts = (folder: string) =>
    execute('find', [folder, '-mindepth', '1', '-printf', '%P %y %m %U %G %T@ %l\\n']).then((lines) =>
      lines.split('\n').sort(),
    );

  test('it is the tree that was packed: content, modes, owners, links; times to the microsecond', async () => {
    const folder = makeTree({
      'a/b': 'content',
      'read-only/file': 'x',
      setuid: 'x',
      link: { to: '../outside' },
      '-x/ü': '',
    });
    chmodSync(join(folder, 'setuid'), 0o4755);
    chmodSync(join(folder, 'read-only'), 0o555);
    const into = join(newFolder(), 'uploads');
    await readTree(pieces((await pack(treeOf(folder))).archive, 1_000), new TreeWriter(into));
    await execute('diff', ['-r', '--no-dereference', folder, into]);
    const rounded = (lines: string[]) => lines.map((line) => line.replace(/(\.\d{5})\d+/, '$1'));
    const expected = rounded(await facts(folder));
    // Without root nobody else's rights are taken.
    const kept = process.getuid?.() === 0 ? expected : expected.map((line) => line.replace(' 4755 ', ' 755 '));
    expect(rounded(await facts(into))).toEqual(kept);
    chmodSync(join(folder, 'read-only'), 0o755);
  });

  test('nothing is written over, and nothing through a link that was there before', async () => {
    const archive = archiveOf(ROOT, { type: 'folder', path: 'a', mode: 0o755 }, { path: 'a/b', content: 'x' });
    const into = newFolder();
    await expect(readTree(pieces(archive), new TreeWriter(into))).rejects.toThrow(/EEXIST/);
    expect(readdirSync(into)).toEqual([]);
  });

  test('a folder in the place of a link of the same name is refused', async () => {
    const outside = newFolder();
    const link = { type: 'link', path: 'a', target: outside } as const;
    const archive = archiveOf(ROOT, link, { type: 'folder', path: 'a', mode: 0o755 }, { path: 'a/b', content: 'x' });
    await expect(readTree(pieces(archive), new TreeWriter(join(newFolder(), 'tree')))).rejects.toThrow(/EEXIST/);
    expect(readdirSync(outside)).toEqual([]);
  });
});

test('memory does not depend on how many files there are, nor on their size', async () => {
  const MiB = 1024 * 1024;
  const program = join(import.meta.dirname, 'memory-program.ts');
  const read = async (folder: string): Promise<{ files: number; peak: number }> =>
    JSON.parse(await execute(process.execPath, ['--no-warnings', program, folder]));
  const small = await read(makeTree({ file: 'x' }));
  const folder = newFolder();
  for (let index = 0; index < 20_000; index++) {
    const below = join(folder, String(Math.floor(index / 1_000)));
    if (index % 1_000 === 0) mkdirSync(below);
    writeFileSync(join(below, `file ${index}`), 'x');
  }
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), 200 * MiB);
  const large = await read(folder);
  expect(large.files).toBe(20_001);
  expect(large.peak).toBeLessThan(small.peak + 100 * MiB);
});
