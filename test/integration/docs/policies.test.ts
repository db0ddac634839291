import { join } from 'node:path';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readPage } from '../../../scripts/docs/page.ts';
import type { Store } from '../../../src/store/store.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { type S3Server, s3ServerOfEnvironment } from '../../support/servers/s3-server.ts';
import { recordedContext } from '../../support/store/context.ts';
import { bytesOf, failureOf, get, keysOf, put } from '../../support/store/objects.ts';
import { newPlace, openUploadsIn, PART, type Place, storeAt, useCredentials } from '../../support/store/place.ts';

const PREFIX = 'postgres';
const BACKUP = 'shop/20261121T020000Z-7f3a91c2';

interface Statement {
  Sid: string;
  Resource: string;
}

const pages = readPage(join(import.meta.dirname, '..', '..', '..', 'docs', 'providers.md'));
const policies: Statement[][] = pages.snippets
  .filter(({ language, text }) => language === 'json' && text.includes('arn:aws:s3:::my-backups'))
  .map(({ text }) => JSON.parse(text).Statement);

/** Of another server's users we do not know how they are made. */
const here = s3ServerOfEnvironment() === null;
if (!here) notRun('The policies of docs/providers.md', 'S3_TEST_ENDPOINT names a server without a second user');

test('the page has a policy for each job', () => {
  expect(policies.map(([first]) => first?.Sid)).toEqual(['WriteBackups', 'WriteAndLookBack', 'Read', 'ReadAndDelete']);
});

const large = bytesOf(PART + 1000);
const denied = async (what: Promise<unknown>) => expect(await failureOf(what)).toMatchObject({ code: 'denied' });

(here ? describe : describe.skip)('a user with no rights but those of the policy', () => {
  let place: Place;
  let owner: Store;
  let guest: Store;

  beforeAll(async () => {
    place = await newPlace(await ensureCeph());
    owner = await storeAt(place, recordedContext(), { prefix: PREFIX });
    await put(owner, `${BACKUP}/data.gpg`, bytesOf(1000));
    // The owner's client has read its credentials by now.
    useCredentials({ ...place.server, ...(place.server.guest as NonNullable<S3Server['guest']>) });
    guest = await storeAt(place, recordedContext(), { prefix: PREFIX });
    await denied(put(guest, `${BACKUP}/without-a-policy`, bytesOf(10)));
  });

  beforeEach(() => owner.remove(`${BACKUP}/new.gpg`));

  afterAll(() => {
    guest.close();
    owner.close();
  });

  /** Gives the guest the statements of the policy that begins so, as those of a bucket's policy. */
  async function grant(sid: string): Promise<void> {
    const statements = policies
      .find(([first]) => first?.Sid === sid)
      ?.map((statement) => ({
        ...statement,
        Principal: { AWS: `arn:aws:iam:::user/${place.server.guest?.name}` },
        Resource: statement.Resource.replace('my-backups', place.bucket),
      }));
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    await place.client.send(new PutBucketPolicyCommand({ Bucket: place.bucket, Policy }));
  }

  test('that writes: backs up, leaves no unfinished upload, and can neither read, list nor delete', async () => {
    await grant('WriteBackups');
    await guest.open();
    // Ceph lets a user read its own objects; AWS would not, and then they are only acknowledged.
    expect(await put(guest, `${BACKUP}/new.gpg`, large)).toMatchObject({ size: large.length });
    const upload = await guest.create(`${BACKUP}/given-up.gpg`);
    await upload.write(large);
    await upload.abort();
    expect(await openUploadsIn(place)).toEqual([]);
    await denied(get(guest, `${BACKUP}/data.gpg`));
    await denied(keysOf(guest));
    await denied(guest.remove(`${BACKUP}/data.gpg`));
  });

  test('that writes and looks back: sees sizes, the backup before and unfinished uploads, and cannot delete', async () => {
    await grant('WriteAndLookBack');
    await guest.open();
    expect(await put(guest, `${BACKUP}/new.gpg`, large)).toEqual({ size: large.length, uploaded: 'read-back' });
    expect(await guest.folders('shop/')).toEqual([BACKUP.slice('shop/'.length)]);
    const upload = await owner.create(`${BACKUP}/left.gpg`);
    await upload.write(large);
    expect(await guest.sweep('shop/', new Date(Date.now() + 60_000))).toEqual([`${BACKUP}/left.gpg`]);
    await upload.abort();
    await denied(guest.remove(`${BACKUP}/data.gpg`));
  });

  test('that restores: reads everything, keeps a record, and can neither write a backup nor delete', async () => {
    await grant('Read');
    await guest.openToRead();
    expect(await keysOf(guest, 'shop/')).toEqual([`${BACKUP}/data.gpg`]);
    expect(await get(guest, `${BACKUP}/data.gpg`)).toEqual(bytesOf(1000));
    await put(guest, `${BACKUP}/restore-tests/new.gpg`, bytesOf(10));
    await denied(put(guest, `${BACKUP}/new.gpg`, bytesOf(10)));
    await denied(guest.remove(`${BACKUP}/data.gpg`));
    await owner.remove(`${BACKUP}/restore-tests/new.gpg`);
  });

  test('that deletes: deletes, keeps a record, and cannot write a backup', async () => {
    await grant('ReadAndDelete');
    await put(owner, `${BACKUP}/new.gpg`, bytesOf(10));
    expect(await keysOf(guest, 'shop/')).toContain(`${BACKUP}/new.gpg`);
    await guest.remove(`${BACKUP}/new.gpg`);
    expect(await keysOf(owner, 'shop/')).not.toContain(`${BACKUP}/new.gpg`);
    await put(guest, 'shop/pruned/a.json', bytesOf(10));
    await denied(put(guest, `${BACKUP}/new.gpg`, bytesOf(10)));
  });
});
