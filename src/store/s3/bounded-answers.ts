import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../store.ts';

/**
 * Bytes of an answer that the SDK gathers in memory: a page of a listing (1,000 keys of at most 1,024 bytes, of which
 * each can be written as six), or an error.
 */
const LARGEST = 16 * 1024 * 1024;

/** Lets no answer but an object's own bytes take more memory than that, however long the server goes on. */
export function boundAnswers(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: unknown };
      const isObject = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
      if (!isObject && response.body instanceof Readable) response.body = limitBytes(response.body);
      return result;
    },
    { name: 'boundAnswers', step: 'deserialize', priority: 'low' }, // Next to the connection: before the SDK reads.
  );
}

/** The same bytes; an error once they are more than {@link LARGEST}. */
export function limitBytes(body: Readable): Readable {
  const stream = Readable.from(upTo(body, LARGEST), { objectMode: false });
  stream.once('close', () => body.destroy());
  return stream;
}

async function* upTo(body: Readable, largest: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > largest) {
      throw new StoreError(
        'failed',
        `The S3 server sent an answer of more than ${largest / 1024 / 1024} MiB that is not an object: check s3-endpoint.`,
      );
    }
    yield chunk;
  }
}
