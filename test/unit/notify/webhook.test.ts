import { describe, expect, test } from '@jest/globals';
import { makeMessage, workflowRun } from '../../../src/notify/webhook.ts';
import { backedUp, failed, restoreTested } from '../../support/data/endings.ts';

const RUN = {
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'octo-org/shop',
  GITHUB_RUN_ID: '4242424242',
  GITHUB_WORKFLOW: 'Backup',
};
const run = workflowRun(RUN);

function textOf(message: string): string {
  return makeMessage({ ...failed, failure: { title: 'Lifeboat: backup failed', message } }, run).text;
}

describe('a red run', () => {
  test('people read what failed, of which set and database, and where to look', () => {
    expect(makeMessage(failed, run).text.split('\n')).toEqual([
      '❌ Lifeboat: backup failed',
      'set shop, database Shop "1"',
      'The disk is full.',
      'octo-org/shop, Backup: https://github.com/octo-org/shop/actions/runs/4242424242',
    ]);
  });

  test('programs get the same in fields', () => {
    const { text, ...fields } = makeMessage(failed, run);
    expect(fields).toEqual({
      event: 'failure',
      command: 'backup',
      cancelled: false,
      title: 'Lifeboat: backup failed',
      message: 'The disk is full.',
      set: 'shop',
      database: 'Shop "1"',
      backup: null,
      verdict: null,
      ended: '2026-11-21T02:10:00.500Z',
      durationSeconds: 600,
      repository: 'octo-org/shop',
      workflow: 'Backup',
      runUrl: 'https://github.com/octo-org/shop/actions/runs/4242424242',
    });
  });

  test('with nothing known, outside of GitHub', () => {
    const about = { set: null, database: null, backup: null };
    expect(workflowRun({})).toBeNull();
    expect(makeMessage({ ...failed, about }, null).text).toBe('❌ Lifeboat: backup failed\nThe disk is full.');
  });

  test('the backup and the verdict of its report', () => {
    const ending = { ...restoreTested({ verdict: 'failed' }), failure: failed.failure };
    expect(makeMessage(ending, run)).toMatchObject({ backup: '20261121T020000Z-7f3a91c2', verdict: 'failed' });
  });
});

describe('text from outside means nothing to a chat', () => {
  test.each([
    ["Slack's mentions", '<!channel> <@U123>', '&lt;!channel&gt; &lt;@\u200bU123&gt;'],
    ["Slack's links", '<https://evil.example|ours>', '&lt;https:\u200b//evil.example|ours&gt;'],
    ['what is escaped already', '&lt;!here&gt;', '&amp;lt;!here&amp;gt;'],
    ['mentions by name', '@channel @here @all', '@\u200bchannel @\u200bhere @\u200ball'],
    ["Markdown's links", '[ours](HTTP://evil)', '[ours]\u200b(HTTP:\u200b//evil)'],
    ["Markdown's pictures", '![](http://evil/seen)', '![]\u200b(http:\u200b//evil/seen)'],
    ["Markdown's references", '[a][b] [b]: x', '[a]\u200b[b] [b]\u200b: x'],
    ['control characters', 'a\u001b[31m\u202eb', 'a\\u001b[31m\\u202eb'],
  ])('%s', (_, given, shown) => {
    expect(textOf(`table ${given}.`).split('\n')[2]).toBe(`table ${shown}.`);
  });

  test('the names of set, database and workflow too, and the link stays one', () => {
    const about = { set: 'a', database: '<!channel>', backup: null };
    const { text } = makeMessage({ ...failed, about }, workflowRun({ ...RUN, GITHUB_WORKFLOW: '@here' }));
    expect(text).toContain('database &lt;!channel&gt;');
    expect(text).toContain('@\u200bhere: https://github.com/octo-org');
  });

  test('long: cut in the chat, longer for programs, and bounded', () => {
    const message = '<'.repeat(100_000);
    const made = makeMessage({ ...failed, failure: { title: 'Lifeboat: backup failed', message } }, run);
    expect(made.text).toMatch(/(&lt;){1500}… \(see the run for the rest\)\n/);
    expect(made.text).not.toMatch(/(&lt;){1501}/);
    expect(made.message).toMatch(/^<{8000}… \(see the run for the rest\)$/);
  });
});

describe('a green run after a red one', () => {
  test('a backup', () => {
    const { text, event, title, message } = makeMessage(backedUp, run);
    expect({ event, title, message }).toEqual({
      event: 'recovery',
      title: 'Lifeboat: backup recovered',
      message: 'The backup before this one had failed; this one succeeded.',
    });
    expect(text).toMatch(/^✅ Lifeboat: backup recovered\nset shop, /);
  });

  test('a restore test says what is proven', () => {
    expect(makeMessage(restoreTested(), run).message).toMatch(
      /^The restore-test before this one had failed; this one succeeded\. Backup 2026\S+ is proven: 10 rows in 1 table equal/,
    );
  });
});
