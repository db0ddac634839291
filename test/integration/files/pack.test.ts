import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compileGlobs } from '../../../src/files/exclude.ts';
import { readTree } from '../../../src/files/read-tree.ts';
import { headerOf } from '../../../src/files/tar.ts';
import { makeTree, newFolder, pack, treeOf } from '../../support/data/made-tree.ts';
import { execute } from '../../support/servers/execute.ts';

/* Archives of real folders, unpacked by GNU tar, which knows nothing of ours. */

async function untar(archive: Buffer): Promise<string> {
  const folder = newFolder();
  const { status, stderr } = spawnSync('tar', ['-x', '-p', '--warning=no-timestamp', '-C', folder], {
    input: archive,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return folder;
}

/** Type, mode, owner, size, time to the nanosecond, target and name of everything in the folder, one a line. */
async function listing(folder: string): Promise<string[]> {
  const format = '%y %m %U %G %s %T@ %l %P\\0';
  const found = await execute('find', [folder, '-printf', format]);
  const withoutFolderSizes = (line: string) => line.replace(/^(d \S+ \S+ \S+) \S+/, '$1');
  return found.split('\0').map(withoutFolderSizes).sort();
}

async function expectSameTree(folder: string, unpacked: string): Promise<void> {
  expect(await listing(unpacked)).toEqual(await listing(folder));
  await execute('diff', ['-r', '--no-dereference', folder, unpacked]);
}

const ODD = {
  'with a space': 'a',
  'two\nlines': 'b',
  'ü/ö': 'c',
  '🛟': 'd',
  'a-b': 'sorts before a/',
  'a/b': 'sorts after a-b',
  [`${'n'.repeat(150)}/${'m'.repeat(150)}`]: 'a path of 301 bytes',
  [`ä${'n'.repeat(250)}`]: 'a name of 252 bytes',
  '-rf': 'no option',
  '::error::x': 'no command',
  empty: '',
  'empty folder': null,
  dangling: { to: 'nowhere' },
  outside: { to: '/etc/passwd' },
  'long link': { to: `../${'x'.repeat(200)}` },
  'link to a folder': { to: 'a' },
};

describe('GNU tar unpacks what was there', () => {
  test('odd names, empty files and folders, links that lead nowhere or out of the tree', async () => {
    const folder = makeTree(ODD);
    const { archive, packer } = await pack(treeOf(folder));
    await expectSameTree(folder, await untar(archive));
    expect(packer.digest.counts).toMatchObject({ files: 11, folders: 5, links: 4 });
    expect(packer.notes).toMatchObject({ changed: { count: 0 }, vanished: { count: 0 }, special: { count: 0 } });
  });

  test('modes, setuid and none at all; times before 1970, after 2106 and to the nanosecond; large files', async () => {
    const folder = makeTree({ setuid: 'x', sticky: null, none: 'x', old: 'x', late: 'x', exact: 'x', large: '' });
    // Without rights only root reads it.
    const none = process.getuid?.() === 0 ? 0 : 0o400;
    for (const [name, mode] of Object.entries({ setuid: 0o4755, sticky: 0o1777, none })) {
      chmodSync(join(folder, name), mode);
    }
    utimesSync(join(folder, 'old'), -1.5, -1.5);
    utimesSync(join(folder, 'late'), 5_000_000_000, 5_000_000_000);
    await execute('touch', ['-d', '2026-11-21T02:00:00.123456789Z', join(folder, 'exact')]);
    truncateSync(join(folder, 'large'), 3_000_001);
    await expectSameTree(folder, await untar((await pack(treeOf(folder))).archive));
  });

  test('owners by their numbers, and sizes, also those that a plain header does not hold', () => {
    const size = 9_000_000_000_000;
    const entry = { type: 'file', path: 'large', mode: 0o640, uid: 1_000_660_000, gid: 3_000_000, size } as const;
    const header = headerOf({ ...entry, mtime: 0n, target: '' });
    const { stdout } = spawnSync('tar', ['-t', '-v', '--numeric-owner', '--utc'], { input: header, encoding: 'utf8' });
    expect(stdout).toBe(`-rw-r----- 1000660000/3000000 ${size} 1970-01-01 00:00 ./large\n`);
  });

  test('hard links and sparse files, as copies of their content', async () => {
    const folder = makeTree({ one: 'the same' });
    await execute('ln', [join(folder, 'one'), join(folder, 'two')]);
    truncateSync(join(folder, 'one'), 100_000);
    const unpacked = await untar((await pack(treeOf(folder))).archive);
    await expectSameTree(folder, unpacked);
    expect(statSync(join(unpacked, 'one')).nlink).toBe(1);
  });

  test('the folder may be a link itself', async () => {
    const folder = makeTree({ file: 'x' });
    const link = join(newFolder(), 'link');
    symlinkSync(folder, link);
    await expectSameTree(folder, await untar((await pack(treeOf(link))).archive));
  });
});

test('the same tree is the same archive, and names are in order of their bytes', async () => {
  const folder = makeTree(ODD);
  const [first, second] = [await pack(treeOf(folder)), await pack(treeOf(folder))];
  expect(first.archive.equals(second.archive)).toBe(true);
  const names = spawnSync('tar', ['-t', '--quoting-style=literal', '--show-transformed-names'], {
    input: first.archive,
    encoding: 'utf8',
  }).stdout;
  expect(names.indexOf('./a-b\n')).toBeLessThan(names.indexOf('./a/\n'));
});

describe('a tree that changes while it is read', () => {
  /** Does something when the file with this path has been opened. */
  const whenOpened = (path: string, act: () => void) => async (step: string, at: string) => {
    if (step === 'opened' && at === path) act();
  };

  test.each([
    ['grows', (file: string) => appendFileSync(file, 'more'), 'content'],
    ['becomes shorter', (file: string) => truncateSync(file, 3), 'con\0\0\0\0'],
    ['is written anew', (file: string) => writeFileSync(file, 'CONTENT'), 'CONTENT'],
  ])('a file that %s is noted, and the archive is whole', async (_, change, stored) => {
    const folder = makeTree({ a: 'before', changing: 'content', z: 'after' });
    utimesSync(join(folder, 'changing'), 1, 1);
    const { archive, packer } = await pack(
      treeOf(folder),
      whenOpened('changing', () => change(join(folder, 'changing'))),
    );
    expect(packer.notes.changed).toEqual({ count: 1, first: ['changing'] });
    const unpacked = await untar(archive);
    expect(await execute('cat', [join(unpacked, 'changing'), join(unpacked, 'z')])).toBe(`${stored}after`);
    // What was stored is what the digest is of.
    expect((await readTree([archive] as never, null)).digest).toBe(packer.digest.digest());
  });

  test('what vanishes is noted: a file, a link, a folder with all that is in it', async () => {
    const folder = makeTree({ 'd/a': 'x', file: 'x', link: { to: 'd' }, stays: 'x' });
    const { archive, packer } = await pack(treeOf(folder), async (step, path) => {
      if (step === 'listed' && path === '')
        for (const name of ['d', 'file', 'link']) rmSync(join(folder, name), { recursive: true });
    });
    expect(packer.notes.vanished).toEqual({ count: 3, first: ['d', 'file', 'link'] });
    expect(readdirSync(await untar(archive))).toEqual(['stays']);
  });

  test('what a link has taken the place of is not followed', async () => {
    const folder = makeTree({ 'd/a': 'x', file: 'x' });
    const { archive, packer } = await pack(treeOf(folder), async (step, path) => {
      if (step !== 'listed' || path !== '') return;
      for (const [name, to] of Object.entries({ d: '/etc', file: '/etc/passwd' })) {
        rmSync(join(folder, name), { recursive: true });
        symlinkSync(to, join(folder, name));
      }
    });
    expect(packer.notes.vanished.first).toEqual(['d', 'file']);
    expect(archive.includes('root:')).toBe(false);
  });
});

test('pipes, sockets and devices are left out, and noted', async () => {
  const folder = makeTree({ file: 'x' });
  await execute('mkfifo', [join(folder, 'pipe')]);
  const { archive, packer } = await pack(treeOf(folder));
  expect(packer.notes.special).toEqual({ count: 1, first: ['pipe'] });
  expect(await listing(await untar(archive))).toEqual((await listing(folder)).filter((line) => !line.endsWith('pipe')));
});

test('a name that is not UTF-8 is an error that names it, unless it is left out', async () => {
  const folder = makeTree({ file: 'x' });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9)]), 'latin 1');
  await expect(pack(treeOf(folder))).rejects.toThrow(
    /^paths: uploads: "caf\ufffd" has a name.*not UTF-8.*paths-exclude/,
  );
  const { packer } = await pack(treeOf(folder, await compileGlobs(['caf?'])));
  expect(packer.digest.counts.files).toBe(1);
});

test('what is left out: globs on the path in the tree, folders with all that is in them', async () => {
  const folder = makeTree({
    'cache/a/b': 'x',
    'a/cache/b': 'x',
    '.tmp/c': 'x',
    'a/x.tmp': 'x',
    'x.tmp': 'x',
    keep: 'x',
  });
  const kept = async (...globs: string[]) => {
    const unpacked = await untar((await pack(treeOf(folder, await compileGlobs(globs)))).archive);
    return (await execute('find', [unpacked, '-type', 'f', '-printf', '%P\n'])).split('\n').filter(Boolean).sort();
  };
  expect(await kept('cache', '*.tmp')).toEqual(['a/cache/b', 'a/x.tmp', 'keep']);
  expect(await kept('**/cache/**', '**/*.tmp')).toEqual(['keep']);
  expect(await kept('{.tmp,a}')).toEqual(['cache/a/b', 'keep', 'x.tmp']);
});

/** Root may read everything, so as root this is done with the rights of nobody. */
async function withoutRights<T>(act: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

describe('what may not be read is an error that names it', () => {
  test.each(['below', 'below/file'])('%s', async (path) => {
    const folder = makeTree({ 'below/file': 'x' });
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'below'), 0o755);
    chmodSync(join(folder, path), 0);
    try {
      await expect(withoutRights(() => pack(treeOf(folder)))).rejects.toThrow(
        `paths: uploads: "${path}" cannot be read (EACCES). Let the user`,
      );
    } finally {
      chmodSync(join(folder, path), 0o700); // So that it can be removed.
    }
  });

  test('the tree itself, when it is gone', async () => {
    const missing = join(newFolder(), 'missing');
    await expect(pack(treeOf(missing))).rejects.toThrow(
      `the folder ${JSON.stringify(missing)} cannot be read (ENOENT)`,
    );
  });
});

test('a link keeps what it points to, to the letter', async () => {
  const folder = makeTree({ link: { to: '../a b/ü//./' } });
  const unpacked = await untar((await pack(treeOf(folder))).archive);
  expect(readlinkSync(join(unpacked, 'link'))).toBe('../a b/ü//./');
});
