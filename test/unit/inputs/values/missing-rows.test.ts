import { expect, test } from '@jest/globals';
import { parseMissingRows } from '../../../../src/inputs/values/missing-rows.ts';

const accepts = (line: string, schema: string, name: string) =>
  parseMissingRows(line).some(({ matches }) => matches({ schema, name }));

test.each([
  ['pgmq.q_mail # refilled', 'pgmq', 'q_mail', true],
  ['pgmq.q_mail # refilled', 'pgmq', 'q_mails', false],
  ['pgmq.* # refilled', 'pgmq', 'a_mail', true],
  ['pgmq.* # refilled', 'pgmq2', 'a_mail', false],
  ['*.jobs # refilled', 'cron', 'jobs', true],
  ['pgmq.q_+ # refilled', 'pgmq', 'q__', false],
  ['odd Schema.odd.name # refilled', 'odd Schema', 'odd.name', true],
])('reads %j: %s.%s is accepted: %s', (line, schema, name, accepted) => {
  expect(accepts(line, schema, name)).toBe(accepted);
});

test('keeps the reason, and leaves out blank lines and comments', () => {
  const lines = '# queues\n\npgmq.a # the shop #1 fills it again  \r\n';
  expect(parseMissingRows(lines).map(({ reason }) => reason)).toEqual(['the shop #1 fills it again']);
});

test.each([
  ['pgmq.q_mail', /"pgmq.q_mail" has no reason\. Write the table, #/],
  ['pgmq.q_mail #', /has no reason/],
  ['q_mail # refilled', /"q_mail" has no schema\. Write schema\.table/],
])('rejects %j', (line, message) => {
  expect(() => parseMissingRows(line)).toThrow(message);
});
