import { LifeboatError } from '../../errors.ts';
import { parseLines, quote } from '../../text.ts';

/** A piece of a line, as a shell reads it (POSIX, 2.2): blanks, single quotes, double quotes, a backslash, plain text. */
const PIECE = /(\s+)|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gy;
/** What a shell would act on outside of quotes. */
const FOR_A_SHELL = /[|&;<>()$`*?[\]]/;
/** What a backslash takes its meaning from within double quotes. */
const ESCAPED = /\\([$`"\\])/g;

/**
 * Commands, one a line, each as its program and its arguments. No shell reads them: words are split by blanks, quotes and
 * backslashes, and that is all. What a shell would do more is refused, for handed on as text it would do something else.
 */
export function parseCommandLines(text: string): string[][] {
  return parseLines(text, wordsOf);
}

function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let read = 0;
  for (const [all, blanks, single, double, escaped, plain] of line.matchAll(PIECE)) {
    read += all.length;
    if (blanks !== undefined) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    if (isForAShell(plain ?? '', word) || /[$`]/.test((double ?? '').replaceAll(ESCAPED, ''))) throw needsAShell(line);
    word = `${word ?? ''}${single ?? double?.replaceAll(ESCAPED, '$1') ?? escaped ?? plain}`;
  }
  if (read < line.length) {
    throw new LifeboatError(`${quote(line)} ends within quotes, or with a backslash. Close it; in '…' all is text.`);
  }
  if (word !== null) words.push(word);
  checkProgram(words[0] ?? '', line);
  return words;
}

function isForAShell(plain: string, word: string | null): boolean {
  return FOR_A_SHELL.test(plain) || (word === null && plain.startsWith('~'));
}

function checkProgram(program: string, line: string): void {
  if (program === '') throw new LifeboatError(`${quote(line)} names no program. Write the program first.`);
  if (!/^\w+=/.test(program)) return;
  throw new LifeboatError(
    `${quote(line)} begins with a variable, which only a shell would set. Write env NAME=value before the program, or env: in the step.`,
  );
}

function needsAShell(line: string): LifeboatError {
  return new LifeboatError(
    `${quote(line)} has something in it that only a shell would act on, and none reads it. Put it in single quotes when it is meant as it is; else write one command a line, or the path of a script.`,
  );
}
