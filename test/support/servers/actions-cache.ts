import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

/** What a request to the cache service is. */
export type CacheOperation =
  | 'GetCacheEntryDownloadURL'
  | 'CreateCacheEntry'
  | 'FinalizeCacheEntryUpload'
  | 'upload'
  | 'properties'
  | 'download';

export interface CacheEntry {
  key: string;
  version: string;
  /** The archive; null until it has been uploaded. */
  archive: Buffer | null;
}

/** How the service answers instead of doing its work: with this status, or never. */
export type CacheFault = number | 'hangs';

/**
 * GitHub's cache service, version 2, as @actions/cache 6.3.0 speaks to it: Twirp in JSON, and archives in Azure's Blob
 * Storage by signed URLs. The service runs nowhere but at GitHub, so this is its side of the wire.
 */
export interface ActionsCache {
  /** What a runner sets for actions. The storage's own name is reached through a proxy: the package downloads by name. */
  env: Record<string, string>;
  entries: CacheEntry[];
  /** Every request until now. */
  requests: CacheOperation[];
  /** From now on. */
  faults: Partial<Record<CacheOperation, CacheFault>>;
  /** Forgets all of it. */
  reset(): void;
  stop(): Promise<void>;
}

const TOKEN = 'token-of-the-runner-for-its-services';
const STORAGE = 'http://cachestorage.blob.core.windows.net';

export async function startActionsCache(): Promise<ActionsCache> {
  const server = createServer((request, response) => void answer(cache, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cache: ActionsCache = {
    env: {
      ACTIONS_CACHE_SERVICE_V2: 'True',
      ACTIONS_RESULTS_URL: `${url}/`,
      ACTIONS_RUNTIME_TOKEN: TOKEN,
      http_proxy: url,
      no_proxy: '127.0.0.1',
    },
    entries: [],
    requests: [],
    faults: {},
    reset: () => {
      cache.entries = [];
      cache.requests = [];
      cache.faults = {};
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return cache;
}

async function answer(cache: ActionsCache, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const operation = operationOf(request);
  cache.requests.push(operation);
  const fault = cache.faults[operation];
  if (fault === 'hangs') return;
  if (fault !== undefined) {
    request.resume();
    response.writeHead(fault, { 'content-type': 'application/json' }).end('{"msg":"a fault of the service"}');
  } else if (request.method === 'POST') await answerService(cache, operation, request, response);
  else await answerStorage(cache, request, response);
}

function operationOf({ method, url = '' }: IncomingMessage): CacheOperation {
  if (method === 'PUT') return 'upload';
  if (method === 'HEAD') return 'properties';
  if (method === 'GET') return 'download';
  return url.slice('/twirp/github.actions.results.api.v1.CacheService/'.length) as CacheOperation;
}

interface ServiceRequest {
  key: string;
  version: string;
  size_bytes?: string;
}

async function answerService(
  cache: ActionsCache,
  operation: CacheOperation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { key, version, size_bytes: size } = JSON.parse(await text(request)) as ServiceRequest;
  const allowed = request.headers.authorization === `Bearer ${TOKEN}`;
  response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
  if (!allowed) return void response.end('{}');
  const same = cache.entries.findIndex((entry) => entry.key === key && entry.version === version);
  const answers: Partial<Record<CacheOperation, () => object>> = {
    CreateCacheEntry: () => {
      if (same >= 0) return { ok: false, message: 'cache entry with the same key, version, and scope already exists' };
      cache.entries.push({ key, version, archive: null });
      return { ok: true, signed_upload_url: signed(cache.entries.length - 1) };
    },
    FinalizeCacheEntryUpload: () => ({ ok: cache.entries[same]?.archive?.length === Number(size), entry_id: '1' }),
    // The service takes a key for the beginning of one, and gives the newest.
    GetCacheEntryDownloadURL: () => {
      const found = cache.entries.findLastIndex((entry) => entry.key.startsWith(key) && entry.version === version);
      if (!cache.entries[found]?.archive) return { ok: false };
      return { ok: true, signed_download_url: signed(found), matched_key: cache.entries[found].key };
    },
  };
  response.end(JSON.stringify(answers[operation]?.() ?? {}));
}

function signed(index: number): string {
  return `${STORAGE}/caches/${index}?sv=2026-02-06&se=2027-01-01&sr=b&sp=rw&sig=c2lnbmVkIGJ5IHRoZSBzZXJ2aWNl`;
}

async function answerStorage(cache: ActionsCache, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const entry = cache.entries[Number(new URL(request.url ?? '').pathname.split('/').at(-1))];
  const headers = { etag: '"1"', 'last-modified': new Date(0).toUTCString(), 'x-ms-blob-type': 'BlockBlob' };
  if (entry === undefined) return void response.writeHead(404).end();
  if (request.method === 'PUT') {
    entry.archive = await buffer(request);
    return void response.writeHead(201, headers).end();
  }
  const archive = entry.archive ?? Buffer.alloc(0);
  if (request.method === 'HEAD') {
    return void response.writeHead(200, { ...headers, 'content-length': archive.length }).end();
  }
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(`${request.headers['x-ms-range']}`) ?? [];
  const bytes = archive.subarray(Number(first), last === '' ? archive.length : Number(last) + 1);
  const range = `bytes ${first}-${Number(first) + bytes.length - 1}/${archive.length}`;
  response.writeHead(206, { ...headers, 'content-range': range, 'content-length': bytes.length }).end(bytes);
}
