import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { brokenLinks } from '../../../scripts/docs/links.ts';
import { readPage } from '../../../scripts/docs/page.ts';
import { wrongSnippets } from '../../../scripts/docs/snippets.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-docs-'));
  writeFileSync(join(folder, 'other.md'), '# Other\n\n## What you will see: `id`\n\n## Twice\n\n## Twice\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function page(text: string) {
  const path = join(folder, 'page.md');
  writeFileSync(path, text);
  return readPage(path);
}

describe('links', () => {
  test.each([
    ['to a page', '[a](other.md)'],
    ['to a heading of this page', '# Here\n[a](#here)'],
    ['to a heading with punctuation and code', '[a](other.md#what-you-will-see-id)'],
    ['to the second heading of that text', '[a](other.md#twice-1)'],
    ['to the web', '[a](https://example.com/nothing#here)'],
    ['in code', '`[a](nowhere.md)`\n\n```md\n[a](nowhere.md)\n```'],
  ])('%s are good', (_, text) => {
    expect(brokenLinks(page(text))).toEqual([]);
  });

  test.each([
    ['to a page that is not there', '\n[a](nowhere.md)', { line: 2, message: 'nowhere.md: there is no such file' }],
    [
      'to a heading that is not there',
      '[a](other.md#three)',
      { line: 1, message: expect.stringMatching(/no such head/) },
    ],
    [
      'to no heading of this page',
      '# Here\n\n[a](#there)',
      { line: 3, message: expect.stringMatching(/no such head/) },
    ],
    ['of an image', '| a |\n| --- |\n| ![a](a.png) |', { line: 3, message: 'a.png: there is no such file' }],
  ])('%s are not', (_, text, problem) => {
    expect(brokenLinks(page(text))).toEqual([problem]);
  });
});

describe('snippets', () => {
  const workflow = (job: string) => `on: push\njobs:\n  one:\n    runs-on: [self-hosted, database]\n${job}`;

  test.each([
    ['sh', 'gpg -d part | zstd -d'],
    ['json', '{"a": [1]}'],
    ['yaml', `- uses: OWNER/lifeboat@v0\n  with:\n    command: list\n    name: \${{ vars.NAME }}`],
    ['yaml', workflow('    steps:\n      - run: true')],
    ['sql', 'this is not looked at ('],
  ])('good: %s (%#)', async (language, text) => {
    expect(await wrongSnippets(page(`\`\`\`${language}\n${text}\n\`\`\``))).toEqual([]);
  });

  const uses = '- uses: OWNER/lifeboat@v0\n  with:\n';
  test.each([
    ['sh', 'echo a\nif true; then', 4, /syntax error/],
    ['json', '{"a": 1,}', 2, /no JSON/],
    ['yaml', 'a: b\nc: [', 3, /no YAML/],
    ['yaml', `${uses}    stroe: s3://a/b`, 2, /action.yml has no input stroe/],
    [
      'yaml',
      `jobs:\n  one:\n    steps:\n      ${uses.replaceAll('\n', '\n      ')}    confirm: shop`,
      2,
      /backup has no input confirm/,
    ],
    ['yaml', `${uses}    command: restroe`, 2, /"restroe" is no command/],
    ['yaml', workflow(`    steps:\n      - run: echo \${{ secret.A }}`), 7, /undefined variable "secret"/],
  ])('bad: %s (%#)', async (language, text, line, message) => {
    const problems = await wrongSnippets(page(`\`\`\`${language}\n${text}\n\`\`\``));
    expect(problems).toEqual([{ line, message: expect.stringMatching(message) }]);
  });
});
