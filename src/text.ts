import { LifeboatError, messageOf } from './errors.ts';

const MAX_SHOWN = 80;

/** Untrusted text for a message: on one line, in quotes, cut when long, nothing in it that a terminal or log would act on. */
export function quote(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  // JSON leaves alone what turns or breaks lines outside ASCII: C1 controls, U+2028, U+2029, and the marks that reverse text.
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** C0 controls and DEL: line breaks, NUL, escape sequences. */
export function hasControlCharacter(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

/**
 * Reads a list of one item a line; blank lines and lines that begin with `#` are comments.
 * Throws one error that tells every bad line.
 */
export function parseLines<T>(text: string, parse: (line: string) => T): T[] {
  const items: T[] = [];
  const problems: string[] = [];
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  const several = lines.filter(isItem).length > 1;
  for (const [index, line] of lines.entries()) {
    if (!isItem(line)) continue;
    try {
      items.push(parse(line));
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      problems.push(several ? `line ${index + 1}: ${messageOf(error)}` : messageOf(error));
    }
  }
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
  return items;
}

/** `*` stands for any characters, `?` for one; everything else for itself. */
export function globExpression(glob: string): RegExp {
  const literal = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
}

function isItem(line: string): boolean {
  return line !== '' && !line.startsWith('#');
}

/** How many letters are added, left out or changed (Levenshtein): for "Did you mean". */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
