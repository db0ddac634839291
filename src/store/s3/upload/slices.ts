import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';

const SLICE = 256 * 1024;

/**
 * Has bodies written to the connection slice by slice. They stay buffers until then, hashed, signed and sent again as
 * a whole; but Node encrypts what it is given in one write as one, and would hold every part under way a second time.
 */
export function sendInSlices(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body?: unknown };
      if (Buffer.isBuffer(request.body) && request.body.length > SLICE) {
        request.body = Readable.from(slicesOf(request.body));
      }
      return next(args);
    },
    { name: 'sendInSlices', step: 'deserialize', priority: 'low' }, // Next to the connection: after the signature.
  );
}

function* slicesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += SLICE) yield body.subarray(start, start + SLICE);
}
