import { S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from './s3-server.ts';

/** A client for tests to look at a server with: it tries everything once. */
export function s3ClientOf(server: S3Server): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
