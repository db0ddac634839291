import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readPage } from '../../../scripts/docs/page.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8');

/** What a page links to, below the repository. */
function linkedFrom(page: string): string[] {
  const folder = join(REPOSITORY, dirname(page));
  return readPage(join(REPOSITORY, page)).links.map(({ href }) => relative(REPOSITORY, join(folder, href)));
}

test('docs/README.md leads to every page', () => {
  const pages = globSync('docs/**/*.md', { cwd: REPOSITORY, exclude: (name) => name === 'images' });
  const linked = ['docs/README.md', ...linkedFrom('docs/README.md')];
  expect(pages.filter((page) => !linked.includes(page))).toEqual([]);
});

describe('what was measured', () => {
  const results = read('bench/results.md');

  test.each(['README.md', 'docs/performance.md'])('every figure in %s stands in bench/results.md', (page) => {
    const text = read(page);
    const measured = text.match(/\d[\d.]* (?:times as (?:fast|long)|MB|GB|s)\b|0\.\d+(?= of the bytes)/g) ?? [];
    expect(measured.length).toBeGreaterThan(6);
    const stands = (figure: string) => new RegExp(`(?<![\\d.])${figure.replaceAll('.', '\\.')}`).test(results);
    expect(measured.filter((figure) => !stands(figure))).toEqual([]);
  });
});

describe('the comparison', () => {
  const [, , , ...sections] = read('docs/comparison.md').split(/^## /m);
  const tools = sections.map((text) => ({ name: text.slice(0, text.indexOf('\n')), text }));

  test.each(tools)('each claim about $name has the page that says so, or says that there is none', ({ text }) => {
    const claims = text.split('\n').filter((line) => /^\| \w/.test(line));
    expect(claims).toHaveLength(7);
    expect(claims.filter((claim) => !/\]\(https:|not documented/.test(claim))).toEqual([]);
  });

  test('the README names each tool', () => {
    const named = read('README.md').match(/\]\(docs\/comparison\.md#/g);
    expect(named).toHaveLength(tools.length);
  });
});

test.each(['job-summary.png', 'job-summary-dark.png'])('%s is small', (name) => {
  expect(statSync(join(REPOSITORY, 'docs', 'images', name)).size).toBeLessThan(150_000);
});
