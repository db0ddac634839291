import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ensureCeph } from '../../../support/servers/ceph.ts';
import { execute } from '../../../support/servers/execute.ts';
import { newPlace, type Place } from '../../../support/store/place.ts';
import { startTlsFront, type TlsFront } from '../../../support/store/tls-front.ts';

const MiB = 1024 * 1024;

let place: Place;
let tls: TlsFront;

beforeAll(async () => {
  place = await newPlace(await ensureCeph());
  tls = await startTlsFront(place.server.endpoint);
});

afterAll(() => tls.close());

/** The greatest resident memory of a process that stores so much, in bytes. */
async function peakOf(endpoint: string, volumes: number, megabytes: number): Promise<number> {
  const program = join(import.meta.dirname, 'upload-program.ts');
  const args = ['--no-warnings', program, endpoint, place.bucket, String(volumes), String(megabytes)];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: tls.certificate };
  return JSON.parse(await execute(process.execPath, args, { env })).peak;
}

test.each([
  ['HTTP', () => place.server.endpoint],
  ['TLS', () => tls.endpoint],
])('memory does not depend on how much is stored (%s)', async (_, endpoint) => {
  const small = await peakOf(endpoint(), 1, 100);
  const large = await peakOf(endpoint(), 2, 256);
  expect(large).toBeLessThan(200 * MiB);
  expect(large).toBeLessThan(small + 30 * MiB);
});
