import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createConnection } from '../../../../src/store/s3/client.ts';
import type { Store, StoreError } from '../../../../src/store/store.ts';
import { ensureCeph } from '../../../support/servers/ceph.ts';
import { freePort } from '../../../support/servers/free-port.ts';
import * as faults from '../../../support/servers/http-faults.ts';
import { type HttpFault, type HttpProxy, startHttpProxy } from '../../../support/servers/http-proxy.ts';
import { ensureSwift } from '../../../support/servers/swift.ts';
import { type RecordedContext, recordedContext } from '../../../support/store/context.ts';
import { failureOf } from '../../../support/store/objects.ts';
import { newPlace, type Opened, type Place, storeAt, useCredentials } from '../../../support/store/place.ts';
import { startTlsFront } from '../../../support/store/tls-front.ts';

const environment = { ...process.env };
let place: Place;
let proxy: HttpProxy;
let context: RecordedContext;

beforeAll(async () => {
  place = await newPlace(await ensureCeph());
});

beforeEach(async () => {
  useCredentials(place.server);
  context = recordedContext();
  proxy = await startHttpProxy(place.server.endpoint);
});

afterEach(async () => {
  await proxy.die();
});

afterAll(() => {
  process.env = environment;
});

/** Opens a store; its failure, or null. */
async function open(how: Opened = {}): Promise<StoreError | null> {
  let store: Store | undefined;
  try {
    store = await storeAt(place, context, { endpoint: proxy.endpoint, ...how });
    await store.open();
    return null;
  } catch (error) {
    const { name, message } = error as StoreError;
    expect(name).toBe('StoreError');
    expect(message).not.toMatch(/UnknownError|\n/);
    expect(message).not.toContain(place.server.secretAccessKey);
    return error as StoreError;
  } finally {
    store?.close();
  }
}

describe('it is well', () => {
  test('with a bucket that is there', async () => {
    expect(await open()).toBeNull();
    expect(context.lines).toEqual([]);
  });

  test('with credentials that may not list', async () => {
    proxy.when(() => true, faults.accessDenied);
    expect(await open()).toBeNull();
    expect(await open({ settings: { objectLock: { mode: 'governance', duration: 1 } } })).toBeNull();
  });

  test('after a failure that passes', async () => {
    proxy.when('ListObjects', faults.slowDown, { times: 2 });
    expect(await open()).toBeNull();
    expect(context.lines).toHaveLength(2);
  });

  test('when the answer to CreateBucket was lost', async () => {
    const bucket = `lifeboat-${crypto.randomUUID()}`;
    proxy.when('CreateBucket', faults.swallowReply, { times: 1 });
    expect(await open({ bucket, settings: { createBucket: true } })).toBeNull();
  });
});

describe('the server cannot be reached', () => {
  test('nothing listens there', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const error = await open({ endpoint });
    expect(error?.message).toMatch(`ECONNREFUSED`);
    expect(error?.message).toMatch(`Nothing listens at ${endpoint}: check s3-endpoint`);
    expect(context.lines).toHaveLength(2);
  });

  test('nothing listens at any address of the host', async () => {
    const error = await open({ endpoint: `http://localhost:${await freePort()}` });
    expect(error?.message).toMatch(/ECONNREFUSED.*Nothing listens at/);
  });

  test('its host is not known', async () => {
    const error = await open({ endpoint: 'http://no-such-host.invalid:9000' });
    expect(error?.message).toMatch(
      /(ENOTFOUND|EAI_AGAIN).*The host of http:\/\/no-such-host.invalid:9000 is not known/,
    );
  });

  test('it does not speak TLS', async () => {
    const error = await open({ endpoint: proxy.endpoint.replace('http:', 'https:') });
    expect(error?.message).toMatch(/does not speak that protocol: check http:\/\/ or https:\/\//);
  });

  test('it speaks TLS with a certificate that nobody knows', async () => {
    const tls = await startTlsFront(place.server.endpoint);
    const error = await open({ endpoint: tls.endpoint });
    expect(error?.message).toMatch(/certificate of https:\/\/127.* is not trusted: set NODE_EXTRA_CA_CERTS/);
    const plain = await open({ endpoint: tls.endpoint.replace('https:', 'http:') });
    expect(plain?.message).toMatch(/does not speak that protocol|ECONNRESET/);
    tls.close();
  });

  test('it is no S3 server', async () => {
    proxy.when(
      () => true,
      async ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end('<!doctype html><title>It works!</title><br>');
      },
    );
    expect((await open())?.message).toMatch(/What answers at http:\/\/127.* is not S3.*Check s3-endpoint/);
  });

  test('it answers with the page of a web server that is ill', async () => {
    proxy.when(
      () => true,
      async ({ response }) => {
        response.writeHead(502, { 'content-type': 'text/html' });
        response.end('<html><head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>');
      },
    );
    expect((await open())?.message).toMatch(/HTTP 502.*Run again when http:\/\/127.* is well/);
    expect(context.lines).toHaveLength(2);
  });
});

describe('the server refuses', () => {
  test.each([
    ['Ceph', ensureCeph],
    ['Swift', ensureSwift],
  ])('a wrong secret, as %s says it', async (_, ensure) => {
    const server = await ensure();
    useCredentials({ ...server, secretAccessKey: 'a wrong one' });
    const error = await open({ endpoint: server.endpoint });
    expect(error).toMatchObject({ code: 'denied' });
    expect(error?.message).toMatch(
      /SignatureDoesNotMatch \(HTTP 403, request id tx\w+.*AWS_SECRET_ACCESS_KEY .*belong to http/,
    );
    expect(JSON.stringify(error)).not.toMatch(/StringToSign|CanonicalRequest/i);
    expect(context.lines).toEqual([]);
  });

  test('a key that it does not know', async () => {
    useCredentials({ ...place.server, accessKeyId: 'AKIANOBODY' });
    const error = await open();
    expect(error).toMatchObject({ code: 'denied' });
    expect(error?.message).toMatch(/InvalidAccessKeyId \(HTTP 403/);
  });

  test.each<[string, HttpFault, RegExp]>([
    ['a session that has ended', faults.expiredToken, /ExpiredToken.*raise role-duration-seconds/],
    ['a bad token', faults.answer(400, 'InvalidToken'), /InvalidToken.*AWS_SESSION_TOKEN/],
    ["another machine's clock", faults.answer(403, 'RequestTimeTooSkewed'), /Set this machine's clock/],
  ])('%s', async (_, fault, message) => {
    proxy.when(() => true, fault);
    expect((await open())?.message).toMatch(message);
  });

  test("a region that is not the bucket's, and names it", async () => {
    proxy.when(
      () => true,
      async ({ response }) => {
        response.writeHead(301, { 'content-type': 'application/xml', 'x-amz-bucket-region': 'eu-central-1' });
        response.end('<Error><Code>PermanentRedirect</Code><Message>Use the endpoint of the bucket.</Message></Error>');
      },
    );
    expect((await open())?.message).toMatch(
      /PermanentRedirect \(HTTP 301\).*Set AWS_REGION to the bucket's region, eu-central-1/,
    );
    proxy.reset();
    proxy.when(
      () => true,
      async ({ response }) => {
        response.writeHead(400, { 'content-type': 'application/xml' });
        response.end(
          "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'x' is wrong</Message><Region>eu-west-3</Region></Error>",
        );
      },
    );
    expect((await open())?.message).toMatch(/Set AWS_REGION to the bucket's region, eu-west-3/);
  });
});

describe('the environment', () => {
  test('no credentials', async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    const home = process.env.HOME;
    process.env.HOME = '/nonexistent';
    const error = await open();
    process.env.HOME = home;
    expect(error).toMatchObject({ code: 'denied' });
    expect(error?.message).toMatch(/No usable S3 credentials.*Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
    expect(proxy.requests).toEqual([]);
  });

  test('no region on AWS', async () => {
    delete process.env.AWS_REGION;
    const error = await failureOf((await storeAt(place, context, { settings: { endpoint: null } })).open());
    expect(error.message).toMatch(/No region is known for S3 on AWS: set AWS_REGION/);
  });

  test('a server of ours needs no region', async () => {
    delete process.env.AWS_REGION;
    expect(await open()).toBeNull();
  });

  test.each(['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'])(
    '%s names the server when the input does not',
    async (name) => {
      process.env[name] = proxy.endpoint;
      expect(await open({ settings: { endpoint: null } })).toBeNull();
      expect(proxy.requests).toHaveLength(1);
      process.env[name] = 'http://127.0.0.1:1';
      expect(await open()).toBeNull();
      expect(proxy.requests).toHaveLength(2);
    },
  );

  test.each(['nonsense', 'ftp://example.com', 'http://key:secret@example.com'])(
    'an endpoint that is none: %s',
    async (endpoint) => {
      const error = await open({ endpoint });
      expect(error?.message).toMatch(
        /The S3 endpoint must be a URL such as .*: check s3-endpoint and AWS_ENDPOINT_URL_S3/,
      );
      expect(error?.message).not.toContain('secret@');
    },
  );

  test('S1, S13: what is asked of AWS and of others', async () => {
    const other = createConnection('http://127.0.0.1:1', { idleTimeout: 1 }).client.config;
    expect(await other.requestChecksumCalculation()).toBe('WHEN_REQUIRED');
    expect(await other.responseChecksumValidation()).toBe('WHEN_REQUIRED');
    expect(other.forcePathStyle).toBe(true);
    const aws = createConnection(null, { idleTimeout: 1 }).client.config;
    expect(await aws.requestChecksumCalculation()).toBe('WHEN_SUPPORTED');
    expect(await aws.responseChecksumValidation()).toBe('WHEN_SUPPORTED');
    expect(aws.forcePathStyle).toBe(false);
  });
});
