import { beforeAll, expect, test } from '@jest/globals';
import { type ActionResult, runPost } from '../../support/action/harness.ts';
import { s3Place } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectNoBackends,
  expectRed,
  processesOf,
  type Rig,
  showHealthy,
  startBackup,
} from '../../support/faults/rig.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import * as faults from '../../support/servers/http-faults.ts';
import { type HttpFault, type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { sharedPostgres } from '../../support/servers/postgres.ts';

const DATABASE = 'faults_s3_for_ever';
/** Milliseconds. A request is tried eight times, which takes up to 51 s. */
const REASONABLE = 180_000;

interface Outcome {
  rig: Rig;
  before: string[];
  proxy: HttpProxy;
  result: ActionResult;
}

type Case = [name: string, operation: string, fault: HttpFault, after: number, says: RegExp];

const STAYING: Case[] = [
  [
    'parts are answered 500',
    'UploadPart',
    faults.internalError,
    2,
    /UploadPart.*InternalError \(HTTP 500\).*Run again when/,
  ],
  ['connections drop', 'UploadPart', faults.drop, 2, /UploadPart.*ECONNRESET.*check the network and the server/],
  [
    'Complete is answered 200 with an error',
    'CompleteMultipartUpload',
    faults.errorWithStatus200,
    0,
    /CompleteMultipartUpload.*InternalError.*Run again when/,
  ],
];
const GOING_AWAY: Case = [
  'the server goes away',
  'UploadPart',
  faults.die,
  2,
  /UploadPart.*(ECONNREFUSED.*Nothing listens at http|ECONNRESET|EPIPE)/,
];

const outcomes = new Map<string, Promise<Outcome>>();

/** All that is tried for most of a minute before it counts runs side by side. */
beforeAll(async () => {
  const [server, ceph] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await createBulkDatabase(server, DATABASE, 40);
  for (const [name, operation, fault, after] of [...STAYING, GOING_AWAY]) {
    const run = async (): Promise<Outcome> => {
      const proxy = await startHttpProxy(ceph.endpoint);
      try {
        const rig = { server, database: DATABASE, place: await s3Place(ceph, proxy.endpoint) };
        const before = await showHealthy(rig);
        proxy.reset();
        proxy.when(operation, fault, { after });
        const result = await startBackup(rig, { cancelAfter: REASONABLE }).finished;
        return { rig, before, proxy, result };
      } finally {
        await proxy.die();
      }
    };
    outcomes.set(name, run());
  }
  await Promise.allSettled(outcomes.values());
});

async function outcomeOf(name: string): Promise<Outcome> {
  const outcome = await outcomes.get(name);
  if (outcome === undefined) throw new Error(`no case is called ${name}`);
  const arrived = outcome.proxy.requests.filter(
    ({ operation, status }) => operation === 'UploadPart' && status === 200,
  );
  // Parts go up side by side: the third, at which the server goes away, may come before the second has its answer.
  expect(arrived.length).toBeGreaterThanOrEqual(name === GOING_AWAY[0] ? 1 : 2);
  expect(outcome.result.duration).toBeLessThan(REASONABLE);
  return outcome;
}

test.each(STAYING)('S6: %s, for ever: red after a while, and nothing is left', async (name, _1, _2, _3, says) => {
  const { rig, result, before } = await outcomeOf(name);
  await expectRed(rig, result, before, says);
});

test('S6: the server goes away: red after a while, and what it keeps is no backup', async () => {
  const [name, , , , says] = GOING_AWAY;
  const { rig, result, before } = await outcomeOf(name);
  expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '', outputs: {} });
  expect(result.annotations).toEqual([
    { kind: 'error', title: 'Lifeboat: backup failed', message: expect.stringMatching(says) },
  ]);
  expect(processesOf(result)).toEqual([]);
  await expectNoBackends(rig, result);
  // Nobody can take back what is on a server that cannot be reached.
  const left = (await rig.place.contents()).filter((line) => !before.includes(line));
  expect(left).not.toContainEqual(expect.stringContaining('manifest'));
  expect(left).toContainEqual(expect.stringMatching(/^upload of .*\/data\.dump\.zst\.gpg/));
  expect(result.log).toMatch(/A multipart upload is left open on the server; the next run ends it/);
  const post = await runPost(result);
  expect(post).toMatchObject({ exitCode: 0, stderr: '' });
  expect(post.annotations).toEqual([
    {
      kind: 'warning',
      title: expect.any(String),
      message: expect.stringMatching(/upload of .*data\.dump\.zst\.gpg to bucket .* \(upload id .+\)/),
    },
  ]);
});
