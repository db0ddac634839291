import { mapConcurrent } from '../store/map-concurrent.ts';

const MANY = 30;

/**
 * Acts on items in their order and yields the results in it: on the first one alone, because most searches end there, then
 * on many at a time, because who adds junk adds much of it.
 */
export async function* oneThenMany<T, R>(items: T[], act: (item: T) => Promise<R>): AsyncGenerator<R> {
  for (let at = 0; at < items.length; at += at === 0 ? 1 : MANY) {
    yield* await mapConcurrent(items.slice(at, at === 0 ? 1 : at + MANY), act);
  }
}
