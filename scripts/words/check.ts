import { newLines } from './new-lines.ts';
import { wordProblems } from './words.ts';

const TEXTS = ['src', 'test', 'scripts', 'bench', 'docs', 'examples', '*.md', 'action.yml', '.github', '.ci', '.git*'];
const NOT_TEXTS = [
  'dist',
  'test/fixtures',
  'test/tools',
  'docs/inputs.md', // Made from action.yml and the sources.
  'scripts/words/words.ts', // The list itself.
  'test/unit/scripts/check-words.test.ts', // Writes such words to see them found.
];

/** Checks the lines that are new since a commit or tree. Throws when git does not have it. */
export function checkWords(repository: string, base: string): { lines: number; problems: string[] } {
  const lines = newLines({ repository, base, paths: [...TEXTS, ...NOT_TEXTS.map((path) => `:(exclude)${path}`)] });
  return { lines: lines.length, problems: wordProblems(lines) };
}
