import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { checkWords } from '../../../scripts/words/check.ts';
import { wordProblems } from '../../../scripts/words/words.ts';

const OLD = 'Old text: the error is told, so mend it.\n';
/** A repository with one commit, of which each test takes a copy: git takes longer to make one than to read it. */
let original: string;
let repository: string;

beforeAll(() => {
  original = mkdtempSync(join(tmpdir(), 'lifeboat-words-'));
  repository = original;
  git('init', '-q');
  write('docs/page.md', OLD);
  write('src/store/open.ts', "import { carryOut } from '../run/command.ts';\n");
  commit('base');
});

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'lifeboat-words-'));
  cpSync(original, repository, { recursive: true, preserveTimestamps: true });
});

afterEach(() => rmSync(repository, { recursive: true, force: true }));
afterAll(() => rmSync(original, { recursive: true, force: true }));

function git(...args: string[]) {
  execFileSync('git', args, { cwd: repository });
}

function commit(subject: string) {
  git('add', '.');
  git('-c', 'user.name=Test', '-c', 'user.email=test@localhost', 'commit', '-q', '--no-gpg-sign', '-m', subject);
}

function write(file: string, text: string) {
  mkdirSync(dirname(join(repository, file)), { recursive: true });
  writeFileSync(join(repository, file), text);
}

function problems() {
  return checkWords(repository, 'HEAD').problems;
}

describe('passes', () => {
  test('an old line', () => {
    write('docs/page.md', `${OLD}A line that is good.\n`);
    expect(checkWords(repository, 'HEAD')).toEqual({ lines: 1, problems: [] });
  });

  test('a line that was moved, with another indentation', () => {
    write('docs/page.md', '');
    write('docs/other.md', `# Other\n\n  ${OLD}`);
    git('add', '.');
    expect(problems()).toEqual([]);
  });

  test('a line of a file that was moved and is not added yet', () => {
    renameSync(join(repository, 'docs/page.md'), join(repository, 'docs/other.md'));
    expect(problems()).toEqual([]);
  });

  test('a line in which only the path of a file changed', () => {
    write('src/store/open.ts', "import { carryOut } from '../../process/run.ts';\n");
    expect(problems()).toEqual([]);
  });

  test.each([
    ['an account', 'chown nobody:nogroup folder'],
    ['a name that is used, not declared', 'rules.judge(facts, demands, now)'],
    ['there is no', 'There is no backup, and it is no longer kept.'],
    ['on demand', 'created on demand'],
    ['other words with the same letters', 'recommend, amend, commendable'],
    ['words that are names with capitals only', 'outside, inside, an ending'],
  ])('%s', (_, text) => {
    expect(wordProblems([{ file: 'src/a.ts', number: 1, text }])).toEqual([]);
  });

  test('files whose words are not ours', () => {
    for (const file of ['dist/index.js', 'test/fixtures/a.sql', 'test/tools/a.json', 'package-lock.json']) {
      write(file, `Changed: ${OLD}`);
    }
    expect(checkWords(repository, 'HEAD')).toEqual({ lines: 0, problems: [] });
  });
});

describe('fails, naming the better word', () => {
  test('in a new line of an old file', () => {
    write('docs/page.md', `${OLD}\nIt demands a key.\n`);
    expect(problems()).toEqual(['docs/page.md:3 "demands": write require']);
  });

  test('in a changed line', () => {
    write('docs/page.md', OLD.replace('Old', 'Newer'));
    expect(problems()).toEqual([
      'docs/page.md:1 "mend": write fix, correct',
      expect.stringMatching(/^docs\/page.md:1 "told": write report/),
    ]);
  });

  test('in a file that is not added yet', () => {
    write('src/a.ts', '\n// Given up.\n');
    expect(problems()).toEqual(['src/a.ts:2 "Given up": write skip, stop using, stop retrying']);
  });

  test('in a copy: a removed line excuses one line', () => {
    write('docs/page.md', '');
    write('docs/other.md', `${OLD}${OLD}`);
    expect(problems()).toEqual([expect.stringMatching(/:2 "mend"/), expect.stringMatching(/:2 "told"/)]);
  });

  test.each([
    ['const carryOut = 1;', '"carryOut": write run'],
    ['export interface Surroundings {', '"interface Surroundings": write RunContext'],
    ['export async function sideBySide<T>() {}', '"function sideBySide": write mapConcurrent'],
    ["throw new Error('it is no list')", '"is no ": write is not a, is not'],
    ['// the server\u2019s', `"\u2019": write the ASCII apostrophe, '`],
  ])('in a name or a text: %s', (text, problem) => {
    expect(wordProblems([{ file: 'test/a.test.ts', number: 7, text }])).toEqual([`test/a.test.ts:7 ${problem}`]);
  });

  test('--- and +++ at the beginning of lines are text', () => {
    write('docs/page.md', '-- removed\n');
    commit('more');
    write('docs/page.md', '++ told\n');
    expect(problems()).toEqual([expect.stringMatching(/^docs\/page.md:1 "told"/)]);
  });
});

test('without the history, the error says how to fetch it', () => {
  const base = '842bcec1cd47a44036de72c6ac57c90da9da3619';
  expect(() => checkWords(repository, base)).toThrow(/fetch --unshallow.*fetch-depth: 0/);
});
