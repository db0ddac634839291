import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { people } from '../test/support/action/gnupg.ts';
import { type ActionInputs, type ActionResult, runAction, runPost } from '../test/support/action/harness.ts';
import { ensureCeph } from '../test/support/servers/ceph.ts';
import { photograph } from '../test/support/servers/chromium.ts';
import { execute } from '../test/support/servers/execute.ts';
import { startPostgres } from '../test/support/servers/postgres.ts';
import { closeRun, openRun } from '../test/support/servers/run.ts';
import { awsEnvironment } from '../test/support/servers/s3-server.ts';
import { createShop } from './demo/shop.ts';
import { upTo } from './demo/summary-text.ts';
import { install } from './install-servers.ts';
import { summaryPage, WIDTH } from './picture/page.ts';
import { REPOSITORY } from './run-node.ts';

/**
 * The README's picture: a shop is backed up and the backup is restored, by dist/ and as a runner does it, and what the
 * restore test has written as its job summary is photographed down to its tables. `docs/images/job-summary.md` is all of
 * that summary; a test holds it against those of today.
 */
const IMAGES = join(REPOSITORY, 'docs', 'images');

async function main(folder: string): Promise<void> {
  console.log('Backing up a shop, and restoring it');
  const summary = await proveShop();
  const page = join(folder, 'summary.html');
  writeFileSync(page, summaryPage(upTo(summary, 'Time'), 'restore-test'));
  mkdirSync(IMAGES, { recursive: true });
  writeFileSync(join(IMAGES, 'job-summary.md'), summary);
  for (const [name, dark] of [
    ['job-summary.png', false],
    ['job-summary-dark.png', true],
  ] as const) {
    writeFileSync(join(folder, name), await photograph(page, { width: WIDTH, dark }));
    const small = ['--force', '--strip', '--speed', '1', '--output', join(IMAGES, name), '64', join(folder, name)];
    await execute('pngquant', small);
    console.log(`docs/images/${name}`);
  }
}

/** The job summary of the restore test. */
async function proveShop(): Promise<string> {
  const [server, s3, { alice, signer }] = await Promise.all([startPostgres(), ensureCeph(), people()]);
  await createShop(server);
  const env = { ...awsEnvironment(s3), AWS_ENDPOINT_URL_S3: s3.endpoint };
  const store = 's3://my-backups/postgres';
  await runStep(
    {
      'database-url': server.url('shop'),
      store,
      's3-create-bucket': 'true',
      'public-key': alice.publicKey,
      'signing-key': signer.secretKey,
      fingerprint: 'content',
    },
    env,
  );
  const keys = { 'private-key': alice.secretKey, 'verification-key': signer.publicKey };
  const tested = await runStep({ command: 'restore-test', store, ...keys }, env);
  return tested.summary;
}

async function runStep(inputs: ActionInputs, env: Record<string, string>): Promise<ActionResult> {
  const result = await runAction(inputs, { env });
  await runPost(result);
  if (result.exitCode === 0) return result;
  throw new Error(`the Action ended with ${result.exitCode ?? result.signal}:\n${result.log}`);
}

try {
  install(['postgres', 'ceph', 'chromium', 'picture']);
  await main(openRun());
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await closeRun();
}
