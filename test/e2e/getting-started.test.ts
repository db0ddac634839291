import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { readPage } from '../../scripts/docs/page.ts';
import { GITHUB_FILE, type Github } from '../support/runbooks/gh.ts';
import { runBlocks } from '../support/runbooks/run-blocks.ts';
import { fileOf } from '../support/runbooks/runbook.ts';
import { standIns } from '../support/runbooks/stand-ins.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { startPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';
import { runFolder, serverEnvironment } from '../support/servers/run.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment } from '../support/servers/s3-server.ts';

/** docs/getting-started.md, from its keys to its proof, as it stands there. */
test('from nothing to a proven backup', async () => {
  const [postgres, s3] = await Promise.all([startPostgres(), ensureCeph()]);
  const bucket = `getting-started-${crypto.randomUUID()}`;
  const client = s3ClientOf(s3);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  await postgres.createDatabase('shop');
  await postgres.psql('shop', 'create table orders as select generate_series(1, 500) as id');
  const { role, password } = roleOfThePage();
  await postgres.psql('shop', role);
  const url = new URL(postgres.url('shop'));
  Object.assign(url, { username: 'lifeboat', password });

  // Short: the socket of gpg's agent may have no longer path than 107 bytes.
  const home = mkdtempSync(join(runFolder(), 'start-'));
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = awsEnvironment(s3);
  const github: Github = {
    environments: {},
    env: { AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region },
    srv: home,
    bucket,
  };
  const githubFile = join(home, 'github.json');
  writeFileSync(githubFile, JSON.stringify(github));
  const { PATH, ...environment } = serverEnvironment();
  const path = `${standIns(mkdtempSync(join(runFolder(), 'gh-')))}:${localPrograms()?.binDir}:${PATH}`;
  const store = `${AWS_ACCESS_KEY_ID}\n${AWS_SECRET_ACCESS_KEY}\n`;
  await runBlocks('getting-started', 'first-proof', {
    folder: home,
    env: { ...environment, PATH: path, HOME: home, [GITHUB_FILE]: githubFile },
    values: {},
    typed: { 'gh secret set DATABASE_URL': `${url}\n${store}${store}` },
  });

  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  const records = Contents.map(({ Key }) => Key).filter((key) => key?.includes('/restore-tests/'));
  const proof = '^postgres/shop/[^/]+/restore-tests/[^/]+-proven\\.json';
  expect(records).toEqual(
    [`${proof}$`, `${proof}\\.asc$`].map((pattern) => expect.stringMatching(new RegExp(pattern))),
  );
  const { environments } = JSON.parse(readFileSync(githubFile, 'utf8')) as Github;
  expect(Object.keys(environments.backup?.secrets ?? {})).not.toContain('BACKUP_PRIVATE_KEY');
  expect(readdirSync(join(home, 'backups', 'postgres'))).toEqual(['shop']);
});

/** What the page makes in the database, and the password that it writes there. */
function roleOfThePage(): { role: string; password: string } {
  const [snippet] = readPage(fileOf('getting-started')).snippets.filter(({ language }) => language === 'sql');
  const role = snippet?.text ?? '';
  return { role, password: /password '([^']+)'/.exec(role)?.[1] ?? '' };
}
