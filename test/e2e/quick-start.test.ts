import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readPage } from '../../scripts/docs/page.ts';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { people } from '../support/action/gnupg.ts';
import { errorsOf } from '../support/action/run-backup.ts';
import { type Job, runJob } from '../support/runbooks/gh.ts';
import { isAsPrinted } from '../support/runbooks/runbook.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { execute } from '../support/servers/execute.ts';
import { sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment } from '../support/servers/s3-server.ts';

/* What the README says that one does first, as it stands there. */
const { snippets } = readPage(join(REPOSITORY, 'README.md'));

/** The one block of that language with these words. */
function snippet(language: string, words: string): string {
  const [found, ...more] = snippets.filter((snippet) => snippet.language === language && snippet.text.includes(words));
  if (found === undefined || more.length > 0) throw new Error(`not one ${language} block with "${words}" in README.md`);
  return found.text;
}

test('the quick start prints what the page shows', async () => {
  const [install, ...commands] = snippet('sh', 'npm run demo').split('\n');
  // CI does, in the clean clone that it tests: .ci/run.
  expect(install).toBe('npm ci');
  expect(readFileSync(join(REPOSITORY, '.ci', 'run'), 'utf8')).toMatch(/^npm ci$/m);
  const home = mkdtempSync(join(runFolder(), 'home-'));
  const env = { PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8' };
  const printed = await execute('bash', ['-c', commands.join('\n')], { cwd: REPOSITORY, env });
  const shown = snippet('text', '=== ');
  if (!isAsPrinted(printed, shown)) throw new Error(`README.md shows something else than this:\n${printed}`);
});

test('the nightly workflow backs up, and proves it', async () => {
  const workflow = parse(snippet('yaml', 'restore-test:')) as { jobs: Record<'backup' | 'restore-test', Job> };
  const [postgres, s3, { alice, signer }] = await Promise.all([sharedPostgres(), ensureCeph(), people()]);
  const bucket = `nightly-${crypto.randomUUID()}`;
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  await postgres.createDatabase('nightly');
  await postgres.psql('nightly', 'create table orders as select generate_series(1, 500) as id');
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = awsEnvironment(s3);
  const store = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const github = {
    environments: {
      backup: {
        secrets: { ...store, DATABASE_URL: postgres.url('nightly'), BACKUP_SIGNING_KEY: signer.secretKey },
        vars: {},
      },
      restore: {
        secrets: { ...store, BACKUP_PRIVATE_KEY: alice.secretKey, RECORD_SIGNING_KEY: signer.secretKey },
        vars: {},
      },
    },
    repository: {
      secrets: {},
      vars: { BACKUP_PUBLIC_KEY: alice.publicKey, BACKUP_VERIFICATION_KEY: signer.publicKey },
    },
    env: { AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region },
    srv: '',
    bucket,
  };
  const backup = await runJob(github, workflow.jobs.backup);
  expect(errorsOf(backup)).toEqual([]);
  const tested = await runJob(github, workflow.jobs['restore-test']);
  expect(errorsOf(tested)).toEqual([]);
  expect(tested.outputs).toMatchObject({ id: backup.outputs.id, verdict: 'proven' });
});
