import { expect, test } from '@jest/globals';
import { readSettings } from '../../../../src/app/read-settings.ts';
import { readBackupSettings } from '../../../../src/commands/backup/inputs.ts';
import { goodInputs } from '../../../support/data/bad-inputs.ts';
import { NO_RULES } from '../../../support/data/series.ts';
import { makeTestKeys } from '../../../support/data/test-keys.ts';
import { RecordingLog } from '../../../support/recording-log.ts';

const HOUR = 3_600_000;

async function retentionOf(inputs: Record<string, string>) {
  const all: Record<string, string> = { ...goodInputs, ...inputs };
  const log = new RecordingLog();
  const { retention } = await readBackupSettings((name) => all[name] ?? '', {}, log);
  return { retention, log };
}

test('every rule, after a backup', async () => {
  const { retention } = await retentionOf({
    'keep-last': '1',
    'keep-within': '26h',
    'keep-hourly': '2',
    'keep-daily': '3',
    'keep-weekly': '4',
    'keep-monthly': '5',
    'keep-yearly': 'unlimited',
  });
  const rules = { last: 1, within: 26 * HOUR, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: Infinity };
  expect(retention).toEqual({ rules, verificationKeys: null, signing: null, force: false, dryRun: false });
});

test('a rule that is not given is none', async () => {
  expect((await retentionOf({ 'keep-within': '30d' })).retention?.rules).toEqual({ ...NO_RULES, within: 720 * HOUR });
  expect((await retentionOf({})).retention).toBeNull();
});

test('a verification-key is used with and without a rule', async () => {
  const key = { 'verification-key': (await makeTestKeys()).public };
  expect((await retentionOf(key)).log.notices).toEqual([]);
  const { retention, log } = await retentionOf({ ...key, 'keep-last': '7' });
  expect(log.notices).toEqual([]);
  expect(retention?.verificationKeys).toContain('PUBLIC KEY');
});

test('prune and hold', async () => {
  const read = (inputs: Record<string, string>, env = {}) =>
    readSettings((name) => ({ store: 'file:///srv/backups', ...inputs })[name] ?? '', env, new RecordingLog());
  expect(await read({ command: 'prune', 'keep-daily': '7', force: 'true', 'dry-run': 'true' })).toMatchObject({
    command: 'prune',
    name: null,
    retention: { rules: { ...NO_RULES, daily: 7 }, force: true, dryRun: true },
  });
  const runner = {
    GITHUB_ACTOR: 'octocat',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'octo-org/shop',
    GITHUB_RUN_ID: '42',
  };
  const by = 'octocat, https://github.com/octo-org/shop/actions/runs/42';
  expect(await read({ command: 'hold' }, runner)).toMatchObject({ command: 'hold', backup: 'latest', by });
  const backup = '20261121T020000Z-7f3a91c2';
  expect(await read({ command: 'release', backup })).toMatchObject({ command: 'release', backup, by: null });
});
