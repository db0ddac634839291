import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sendBeat } from '../../../src/notify/heartbeat.ts';
import { type HttpService, startHttpService } from '../../support/servers/http-service.ts';

let service: HttpService;

beforeAll(async () => {
  service = await startHttpService();
});

afterAll(() => service.stop());

test.each([
  ['/uuid', ['/uuid/start', '/uuid', '/uuid/fail']],
  ['/uuid/', ['/uuid/start', '/uuid/', '/uuid/fail']],
  ['/key/a-slug?create=1', ['/key/a-slug/start?create=1', '/key/a-slug?create=1', '/key/a-slug/fail?create=1']],
  ['', ['/start', '/', '/fail']],
])('%s: start, success and fail', async (path, asked) => {
  service.requests.length = 0;
  const url = new URL(service.url + path);
  const { signal } = new AbortController();
  for (const beat of ['start', 'success', 'fail'] as const) await sendBeat(url, beat, signal);
  expect(service.requests.map((request) => `${request.method} ${request.path}`)).toEqual(
    asked.map((one) => `GET ${one}`),
  );
});
