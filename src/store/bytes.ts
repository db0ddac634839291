import { Readable } from 'node:stream';

/** The same bytes as a stream whose failure is the error that `explain` makes of it. */
export function explainReadErrors(bytes: Readable, explain: (error: unknown) => Error | Promise<Error>): Readable {
  bytes.on('error', () => {}); // It may fail before anyone reads; the reader then learns of it.
  const stream = Readable.from(readOrExplain(bytes, explain), { objectMode: false });
  stream.once('close', () => bytes.destroy());
  return stream;
}

async function* readOrExplain(
  bytes: Readable,
  explain: (error: unknown) => Error | Promise<Error>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    throw await explain(error);
  }
}
