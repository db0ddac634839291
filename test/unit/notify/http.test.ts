import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type HttpCall, HttpError, sendRequest } from '../../../src/notify/http.ts';
import { freePort } from '../../support/servers/free-port.ts';
import {
  endless,
  type HttpService,
  never,
  redirect,
  reset,
  slow,
  startHttpService,
  status,
} from '../../support/servers/http-service.ts';
import { startTlsFront } from '../../support/store/tls-front.ts';

/** What nobody but the service may see. */
const SECRET = 'T0K3N';
const TIMEOUTS = { ofTry: 10_000, pauses: [10, 20] };
const SHORT_TIMEOUTS = { ...TIMEOUTS, ofTry: 1_000 };

let service: HttpService;
let stop: AbortController;

beforeEach(async () => {
  service = await startHttpService();
  stop = new AbortController();
});

afterEach(() => service.stop());

function call(address = service.url): HttpCall {
  return {
    method: 'POST',
    url: new URL(`${address}/hooks/${SECRET}?key=${SECRET}#${SECRET}`),
    contentType: 'application/json',
    body: '{"text":"ü"}',
  };
}

/** What it says when it gives up. */
async function failure(asked = call(), timeouts = TIMEOUTS): Promise<string> {
  const error = await sendRequest(asked, stop.signal, timeouts).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HttpError);
  const { message } = error as HttpError;
  expect(message).not.toContain(SECRET);
  return message;
}

test('what is sent arrives whole, and once', async () => {
  await sendRequest(call(), stop.signal, TIMEOUTS);
  expect(service.requests).toEqual([
    expect.objectContaining({ method: 'POST', path: `/hooks/${SECRET}?key=${SECRET}`, body: '{"text":"ü"}' }),
  ]);
  expect(service.requests[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^lifeboat\/\d/),
  });
});

test('user and password of the URL go as a header', async () => {
  await sendRequest(call(service.url.replace('//', '//who%40home:p%3Aw%20d@')), stop.signal, TIMEOUTS);
  const authorization = `Basic ${Buffer.from('who@home:p:w d').toString('base64')}`;
  expect(service.requests[0]?.headers).toMatchObject({ authorization, host: service.host });
  expect(service.requests[0]?.path).toBe(`/hooks/${SECRET}?key=${SECRET}`);
});

describe('what passes is tried again', () => {
  test.each([['500', status(500)] as const, ['429', status(429)] as const, ['a reset connection', reset] as const])(
    'after %s twice it arrives',
    async (_, answer) => {
      service.answers(answer, answer, status(204));
      await sendRequest(call(), stop.signal, TIMEOUTS);
      expect(service.requests.length).toBe(3);
    },
  );

  test('500 three times: given up, with host and status', async () => {
    service.answers(status(500));
    expect(await failure()).toBe(`${service.host} answered 500 (tried 3 times).`);
    expect(service.requests.length).toBe(3);
  });

  test('nobody listens', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    expect(await failure(call(`http://${host}`))).toBe(`${host} could not be reached: ECONNREFUSED (tried 3 times).`);
  });

  test('there is no such host', async () => {
    const message = await failure(call('http://no-such-host.invalid'));
    expect(message).toMatch(/^no-such-host\.invalid could not be reached: (ENOTFOUND|EAI_AGAIN) \(tried 3 times\)\.$/);
  });

  test('no answer: each try has its time', async () => {
    service.answers(never);
    const start = performance.now();
    expect(await failure(call(), SHORT_TIMEOUTS)).toBe(`${service.host} did not answer in time (tried 3 times).`);
    expect(performance.now() - start).toBeGreaterThan(3 * SHORT_TIMEOUTS.ofTry - 50);
    expect(service.requests.length).toBe(3);
  });

  test('slow at first, then quick enough', async () => {
    service.answers(never, slow(100));
    await sendRequest(call(), stop.signal, SHORT_TIMEOUTS);
    expect(service.requests.length).toBe(2);
  });
});

test.each([400, 401, 403, 404, 410])('%i is an answer that will not change: one try', async (code) => {
  service.answers(status(code));
  expect(await failure()).toBe(`${service.host} answered ${code}.`);
  expect(service.requests.length).toBe(1);
});

describe('a redirect is not followed, and where it leads is named by its host', () => {
  test.each([301, 302, 303, 307, 308])('%i to another host', async (code) => {
    const other = await startHttpService();
    service.answers(redirect(code, `${other.url}/steal/${SECRET}`));
    expect(await failure()).toBe(
      `${service.host} answered ${code}, a redirect to ${other.host}, which is not followed: give the address that it leads to.`,
    );
    expect([service.requests.length, other.requests.length]).toEqual([1, 0]);
    await other.stop();
  });

  test('to itself', async () => {
    service.answers(redirect(302, `/login/${SECRET}`), status(200));
    expect(await failure()).toContain(`a redirect to ${service.host}`);
    expect(service.requests.length).toBe(1);
  });

  test('to something that is no address', async () => {
    service.answers(redirect(302, 'http://[::error/'));
    expect(await failure()).toContain('a redirect to nowhere');
  });
});

describe('the signal ends it', () => {
  test('during a try', async () => {
    service.answers(never);
    setTimeout(() => stop.abort(), 100);
    const start = performance.now();
    await expect(sendRequest(call(), stop.signal)).rejects.toThrow('did not answer in time.');
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('during a pause', async () => {
    service.answers(status(500));
    setTimeout(() => stop.abort(), 200);
    await expect(sendRequest(call(), stop.signal)).rejects.toThrow(`${service.host} answered 500.`);
    expect(service.requests.length).toBe(1);
  });

  test('before it begins: nothing is sent', async () => {
    stop.abort();
    expect(await failure()).toContain('there was no time left');
    expect(service.requests).toEqual([]);
  });
});

test('a certificate that nobody vouches for: the secret is not sent', async () => {
  const front = await startTlsFront(service.url);
  const host = front.endpoint.replace('https://', '');
  expect(await failure(call(front.endpoint))).toContain(`${host} could not be reached: DEPTH_ZERO_SELF_SIGNED_CERT`);
  expect(service.requests).toEqual([]);
  front.close();
});

test('an answer without an end is a success, and is not read', async () => {
  service.answers(endless);
  await sendRequest(call(), stop.signal, TIMEOUTS);
});
