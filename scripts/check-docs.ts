import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { brokenLinks } from './docs/links.ts';
import { readPage } from './docs/page.ts';
import { wrongSnippets, wrongSteps } from './docs/snippets.ts';
import { REPOSITORY } from './run-node.ts';

/** Holds every Markdown page, and the steps of the examples, against what is really there. */
const NOT_OURS = ['node_modules', 'dist', '.git'];

const pages = files('**/*.md');
const examples = files('examples/*.yml');
for (const file of pages) {
  const page = readPage(join(REPOSITORY, file));
  const problems = [...brokenLinks(page), ...(await wrongSnippets(page))];
  for (const { line, message } of problems) complain(`${file}:${line} ${message}`);
}
for (const file of examples) {
  for (const message of wrongSteps(parse(readFileSync(join(REPOSITORY, file), 'utf8')))) complain(`${file} ${message}`);
}
console.log(`${pages.length} pages and ${examples.length} examples read.`);

function files(pattern: string): string[] {
  return globSync(pattern, { cwd: REPOSITORY, exclude: (name) => NOT_OURS.includes(name) }).sort();
}

function complain(problem: string): void {
  console.error(problem);
  process.exitCode = 1;
}
