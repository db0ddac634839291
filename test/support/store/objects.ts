import { buffer } from 'node:stream/consumers';
import type { Committed, Store, StoredObject } from '../../../src/store/store.ts';

/** Bytes that differ from place to place, the same for the same size. */
export function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 2463534242;
  for (let index = 0; index < size; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}

/** Writes an object in chunks, as a stream would give them; by default 1 MiB and an odd rest. */
export async function put(store: Store, key: string, bytes: Buffer, chunk = 1024 * 1024 - 7): Promise<Committed> {
  const upload = await store.create(key);
  for (let start = 0; start < bytes.length; start += chunk) {
    const piece = Buffer.from(bytes.subarray(start, start + chunk));
    await upload.write(piece);
    piece.fill(0xaa); // The memory is ours again: an upload that has kept it stores this.
  }
  return await upload.commit();
}

export async function get(store: Store, key: string, range?: { start: number; end: number }): Promise<Buffer> {
  return await buffer(await store.read(key, range));
}

export async function listOf(store: Store, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(prefix)) objects.push(object);
  return objects;
}

export async function keysOf(store: Store, prefix = ''): Promise<string[]> {
  return (await listOf(store, prefix)).map(({ key }) => key);
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error('it did not fail');
}
