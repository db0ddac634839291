import type { S3Client } from '@aws-sdk/client-s3';

/** Follows the server's clock by the Date of its answers; the call gives its time now, null before the first answer. */
export function followClock(client: S3Client): () => Date | null {
  /** Milliseconds that the server is ahead. */
  let ahead: number | null = null;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      const date = Date.parse(headers?.date ?? '');
      if (!Number.isNaN(date)) ahead = date - Date.now();
      return result;
    },
    { name: 'followClock', step: 'deserialize', priority: 'low' }, // Next to the connection: errors come by here too.
  );
  return () => (ahead === null ? null : new Date(Date.now() + ahead));
}
