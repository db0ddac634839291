import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of a text file. */
export interface Line {
  /** From the repository on. */
  file: string;
  /** The first line is 1. */
  number: number;
  text: string;
}

export interface NewLinesOptions {
  /** The folder of the git repository. */
  repository: string;
  /** A commit, or a tree. */
  base: string;
  /** git's pathspecs, see gitglossary(7). */
  paths: string[];
}

/**
 * The lines of the working tree that the base commit does not have, untracked files included. A line that was only moved,
 * or in which only the path of a file changed, is not new. Throws when git does not have the base commit.
 */
export function newLines(options: NewLinesOptions): Line[] {
  requireBase(options);
  const { added, removed } = readDiff(options);
  const moved = countTexts(removed);
  return [...added, ...untrackedLines(options)].filter(({ text }) => !takeOne(moved, comparable(text)));
}

function requireBase({ repository, base }: NewLinesOptions): void {
  const { status, stderr } = runGit(repository, ['cat-file', '-e', `${base}^{tree}`]);
  if (status === 0) return;
  throw new Error(
    `Cannot compare with commit ${base}: ${stderr.trim()}. In a shallow clone, fetch the history ` +
      '(`git fetch --unshallow`); in .github/workflows, set `fetch-depth: 0` for actions/checkout.',
  );
}

function readDiff({ repository, base, paths }: NewLinesOptions): { added: Line[]; removed: string[] } {
  // Each of these options undoes a setting that a user may have.
  const format = ['--no-color', '--no-ext-diff', '--no-textconv', '--src-prefix=a/', '--dst-prefix=b/'];
  const diff = git(repository, ['diff', '-M', '--unified=0', ...format, base, '--', ...paths]);
  const added: Line[] = [];
  const removed: string[] = [];
  for (const [header = '', ...hunks] of diff.split(/^diff --git /m).map((part) => part.split(/^@@ /m))) {
    const file = /^\+\+\+ b\/(.*?)\t?$/m.exec(header)?.[1] ?? '';
    for (const [range = '', ...lines] of hunks.map((hunk) => hunk.split('\n'))) {
      let number = Number(/\+(\d+)/.exec(range)?.[1]);
      for (const line of lines) {
        if (line.startsWith('-')) removed.push(line.slice(1));
        if (line.startsWith('+')) added.push({ file, number: number++, text: line.slice(1) });
      }
    }
  }
  return { added, removed };
}

function untrackedLines({ repository, paths }: NewLinesOptions): Line[] {
  const files = git(repository, ['ls-files', '-z', '--others', '--exclude-standard', '--', ...paths]);
  return files
    .split('\0')
    .filter(Boolean)
    .flatMap((file) => linesOf(file, readFileSync(join(repository, file), 'utf8')));
}

function linesOf(file: string, content: string): Line[] {
  if (content.includes('\0')) return []; // Binary, by the rule that git goes by.
  return content.split('\n').map((text, index) => ({ file, number: index + 1, text }));
}

function countTexts(texts: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts.map(comparable)) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** Each removed line excuses one added line, so that a copy is new. */
function takeOne(counts: Map<string, number>, text: string): boolean {
  const count = counts.get(text) ?? 0;
  counts.set(text, count - 1);
  return count > 0;
}

/** Without indentation, and every path of a file as `/`: moving a file changes both wherever it is named. */
function comparable(text: string): string {
  return text.trim().replace(/[\w.@*-]+(?:\/[\w.@*-]+)+/g, '/');
}

function git(repository: string, args: string[]): string {
  const { status, stdout, stderr } = runGit(repository, args);
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr.trim()}`);
  return stdout;
}

function runGit(repository: string, args: string[]) {
  // The folder is named safe for root, who runs the tests in another user's clone where CI uses a container.
  const all = ['-c', 'core.quotePath=false', '-c', `safe.directory=${repository}`, ...args];
  const result = spawnSync('git', all, { cwd: repository, encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (result.error) throw new Error(`git does not run: ${result.error.message}`);
  return result;
}
