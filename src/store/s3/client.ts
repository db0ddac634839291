import { S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../store.ts';
import { boundAnswers } from './bounded-answers.ts';
import { followClock } from './clock.ts';
import { noCredentials } from './errors.ts';
import type { S3Options } from './options.ts';
import { sendInSlices } from './upload/slices.ts';

/** A client for one server. */
export interface Connection {
  client: S3Client;
  /** URL of an S3-compatible server; null: AWS. */
  endpoint: string | null;
  /** The server's clock, now; null before its first answer. */
  clock(): Date | null;
}

/**
 * Makes a client for the S3-compatible server at `endpoint`; null: the one that the AWS SDK's environment names, or AWS.
 * Nothing is sent. Credentials come from the SDK's default chain.
 */
export function createConnection(endpoint: string | null, options: Pick<S3Options, 'idleTimeout'>): Connection {
  const server = serverAt(endpoint ?? fromEnvironment('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'));
  const region = fromEnvironment('AWS_REGION', 'AWS_DEFAULT_REGION') ?? (server === null ? null : 'us-east-1');
  // The SDK's own checksums come as trailers or headers that Ceph, Swift and others refuse or ignore.
  const checksums = server === null ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  const client = new S3Client({
    ...(server === null ? {} : { endpoint: server, forcePathStyle: true }),
    ...(region === null ? {} : { region }),
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // We send again ourselves: from the part's own buffer, with a line in the log and a longer breath.
    retryStrategy: { retry: (send, request) => send(request) },
    requestHandler: { connectionTimeout: 10_000, socketTimeout: options.idleTimeout },
  });
  boundAnswers(client);
  sendInSlices(client);
  return { client, endpoint: server, clock: followClock(client) };
}

/** Requires a region and credentials; a StoreError says which settings give them. */
export async function checkAccess({ client }: Connection): Promise<void> {
  await client.config.region().catch(() => {
    throw new StoreError(
      'failed',
      "No region is known for S3 on AWS: set AWS_REGION to the bucket's region, or s3-endpoint for another server.",
    );
  });
  await client.config.credentials().catch((error: Error) => {
    throw new StoreError('denied', `${noCredentials(error.message)}.`);
  });
}

function serverAt(endpoint: string | null): string | null {
  if (endpoint === null) return null;
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw new StoreError(
      'failed',
      'The S3 endpoint must be a URL such as https://s3.example.com, without user name and password: ' +
        'check s3-endpoint and AWS_ENDPOINT_URL_S3.',
    );
  }
  return endpoint;
}

function fromEnvironment(...names: string[]): string | null {
  return names.map((name) => process.env[name]).find((value) => value !== undefined && value !== '') ?? null;
}
