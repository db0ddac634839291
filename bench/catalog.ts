import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { formatBytes } from '../src/units.ts';
import { type ActionInputs, runAction } from '../test/support/action/harness.ts';
import { history, OBJECTS_OF_BACKUP } from '../test/support/data/history.ts';
import { startCeph } from '../test/support/servers/ceph.ts';
import { fillBucket } from '../test/support/servers/fill-bucket.ts';
import { countOperations, startHttpProxy } from '../test/support/servers/http-proxy.ts';
import { s3ClientOf } from '../test/support/servers/s3-client.ts';
import { awsEnvironment } from '../test/support/servers/s3-server.ts';
import { markdownTable, seconds } from './report.ts';

const BUCKET = 'bench';

/** What each command is asked of a set of so many backups. One goes: each that goes has its folder and manifest read. */
const COMMANDS: { command: string; inputsFor(count: number): ActionInputs }[] = [
  { command: 'list', inputsFor: () => ({}) },
  { command: 'check', inputsFor: () => ({ 'max-age': '2h', 'max-restore-test-age': '3h', 'max-shrink': '40%' }) },
  { command: 'prune', inputsFor: (count) => ({ 'keep-last': String(count - 1), 'dry-run': 'true' }) },
];

/** The requests and the memory of these commands for 100 backups, 1,000, and so on up to so many, in a real S3 server. */
export async function measureCatalogs(most: number): Promise<string> {
  const s3 = await startCeph();
  const proxy = await startHttpProxy(s3.endpoint);
  const client = s3ClientOf(s3);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const rows = [['backups', 'objects', 'command', 'requests', 'peak memory', 'wall']];
  for (let count = 100; count <= most; count *= 10) {
    console.log(`Storing ${count} backups`);
    await fillBucket(client, BUCKET, String(count), history(count));
    const place = { name: 'shop', store: `s3://${BUCKET}/${count}`, 's3-endpoint': proxy.endpoint };
    for (const { command, inputsFor } of COMMANDS) {
      const inputs = { command, ...place, ...inputsFor(count) };
      proxy.reset();
      const { exitCode, stdout, peakRss, duration } = await runAction(inputs, { env: awsEnvironment(s3) });
      if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}:\n${stdout}`);
      const requests = Object.entries(countOperations(proxy.requests)).map(([name, number]) => `${number} ${name}`);
      rows.push([
        count.toLocaleString('en'),
        (count * OBJECTS_OF_BACKUP).toLocaleString('en'),
        `\`${command}\``,
        requests.join(', '),
        formatBytes(peakRss),
        seconds(duration / 1000),
      ]);
    }
  }
  await proxy.die();
  return [
    'Sets of backups with an inventory, a record of a restore test each, and parts without content, in a Ceph on the same machine: what one run asks the store for, and the peak memory of its node process. `check` has rules for age, restore test and size; `prune` plans the deletion of one backup. A request of `ListObjects` brings up to 1,000 keys.',
    markdownTable(rows),
  ].join('\n\n');
}
