import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAssertions } from '../../../../src/inputs/database/assertions.ts';

const ONE = '- {name: one, sql: select 1, expect: {equals: 1}}';

describe('good ones', () => {
  test('each expectation', async () => {
    const text = `
- {name: a, sql: "select true", expect: true}
- {name: b, sql: "select 1;", expect: not-empty}
- {name: c, sql: "select 'x; y'", expect: {equals: x}}
- {name: d, sql: "select 1::int", expect: {at-least: 1}}
- {name: e, sql: "select 1", expect: {at-most: 2.5}}
- {name: f, sql: 'select ''\\d''', expect: not-empty}`;
    expect(await parseAssertions(text)).toEqual([
      { name: 'a', sql: 'select true', expect: { kind: 'true' } },
      { name: 'b', sql: 'select 1', expect: { kind: 'not-empty' } },
      { name: 'c', sql: "select 'x; y'", expect: { kind: 'equals', value: 'x' } },
      { name: 'd', sql: 'select 1::int', expect: { kind: 'at-least', value: 1 } },
      { name: 'e', sql: 'select 1', expect: { kind: 'at-most', value: 2.5 } },
      { name: 'f', sql: "select '\\d'", expect: { kind: 'not-empty' } },
    ]);
  });

  test('from a file', async () => {
    const file = join(tmpdir(), `lifeboat-assertions-${process.pid}.yml`);
    writeFileSync(file, ONE);
    expect(await parseAssertions(file)).toHaveLength(1);
  });
});

test.each([
  ['no YAML', '- {name: [', /it is not YAML/],
  ['no list', 'name: one', /it is no list.*Write a list of entries/],
  ['a text', 'just words', /it is no list/],
  ['a missing file', 'nowhere/checks.yml', /"nowhere\/checks\.yml" cannot be read.*actions\/checkout/],
  ['an entry that is none', '- one', /entry 1 is no entry/],
  ['no name', '- {sql: select 1, expect: true}', /entry 1 has no name/],
  ['no sql', '- {name: a, expect: true}', /"a" has no sql/],
  ['a word that is not known', '- {name: a, sql: select 1, expects: true}', /"a": "expects" is not known/],
  ['two statements', '- {name: a, sql: "select 1; drop table t", expect: true}', /several statements/],
  ['no expectation', '- {name: a, sql: select 1}', /is no expectation.*Write true/],
  ['two expectations', '- {name: a, sql: select 1, expect: {at-least: 1, at-most: 2}}', /is no expectation/],
  ['a number that is none', '- {name: a, sql: select 1, expect: {at-least: many}}', /is no expectation/],
])('%s', async (_, text, says) => {
  await expect(parseAssertions(text)).rejects.toThrow(says);
});

test('every entry that is wrong is named', async () => {
  await expect(parseAssertions(`${ONE}\n- {name: two}\n- three`)).rejects.toThrow(/"two" has no sql.*\nentry 3/);
});
