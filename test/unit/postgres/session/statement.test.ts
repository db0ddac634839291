import { expect, test } from '@jest/globals';
import { shownStatement } from '../../../../src/postgres/session/statement.ts';

test.each([
  ['alter table shop add column note text', '"alter table shop add column note text"'],
  ["alter role x password 'geheim'", `"alter role x password '…'"`],
  ["update t set a = 'it''s', b = E'\\'x' where c = 1", `"update t set a = '…', b = E'…' where c = 1"`],
  ['do $body$ secret $body$ language sql', `"do '…' language sql"`],
  ["insert into t values ('cut in the mid", `"insert into t values ('…'"`],
  ['alter table "a\nb"', '"alter table \\"a b\\""'],
])('P14: of %j no data is shown', (query, shown) => {
  expect(shownStatement(query)).toBe(shown);
});
