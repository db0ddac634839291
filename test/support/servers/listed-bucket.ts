import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { s3OperationOf } from './s3-operation.ts';
import type { S3Server } from './s3-server.ts';

/** What an S3 server answers of a bucket that nobody fills in a test: tens of thousands of objects. It can only be read. */
export interface ListedBucket {
  server: S3Server;
  bucket: string;
  /** How often each operation was asked for. */
  requests: Record<string, number>;
  close(): void;
}

export interface ListedObject {
  key: string;
  size: number;
}

/** AWS's limit for a page of a listing. */
const PAGE = 1000;

/** `objects` in the order of their keys; `read` gives an object's text, null when there is none. */
export async function startListedBucket(
  objects: ListedObject[],
  read: (key: string) => string | null,
): Promise<ListedBucket> {
  const bucket = 'many';
  const requests: Record<string, number> = {};
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const operation = s3OperationOf(request.method ?? '', url.pathname, url.searchParams);
    requests[operation] = (requests[operation] ?? 0) + 1;
    if (operation === 'ListObjects') return answer(response, 200, page(objects, url.searchParams, bucket));
    const text = operation === 'GetObject' ? read(decodeURIComponent(url.pathname).slice(bucket.length + 2)) : null;
    if (text !== null) return answer(response, 200, text);
    const code = operation === 'GetObject' ? 'NoSuchKey' : 'ObjectLockConfigurationNotFoundError';
    return answer(response, 404, `<Error><Code>${code}</Code></Error>`);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  http.unref(); // A test that fails does not close it, and must end all the same.
  const endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server = { endpoint, accessKeyId: 'AKIATEST', secretAccessKey: 'secret', region: 'us-east-1' };
  return { server, bucket, requests, close: () => http.close().closeAllConnections() };
}

function page(objects: ListedObject[], query: URLSearchParams, bucket: string): string {
  const prefix = query.get('prefix') ?? '';
  const most = Math.min(PAGE, Number(query.get('max-keys') ?? PAGE));
  const start = Number(query.get('continuation-token') ?? 0);
  const fitting = objects.filter(({ key }) => key.startsWith(prefix));
  const shown = fitting.slice(start, start + most);
  const contents = shown.map(contentsOf);
  const isTruncated = start + most < fitting.length;
  const next = isTruncated ? `<NextContinuationToken>${start + most}</NextContinuationToken>` : '';
  return `<ListBucketResult><Name>${bucket}</Name><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
}

/** With all that Ceph says of an object, for a listing costs its reader what it says. */
function contentsOf({ key, size }: ListedObject): string {
  const etag = '<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag>';
  const owner = '<Owner><ID>lifeboat</ID><DisplayName>Lifeboat</DisplayName></Owner>';
  const about = `<LastModified>2026-01-01T00:00:00.000Z</LastModified>${etag}<Size>${size}</Size>`;
  return `<Contents><Key>${key}</Key>${about}<StorageClass>STANDARD</StorageClass>${owner}<Type>Normal</Type></Contents>`;
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
