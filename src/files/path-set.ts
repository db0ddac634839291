import { hash } from 'node:crypto';

/** Which paths a tree has, in about 100 bytes each, however long they are: the first 128 bits of their sha256. */
export class PathSet {
  readonly #prints = new Set<string>();

  add(path: string): void {
    this.#prints.add(printOf(path));
  }

  has(path: string): boolean {
    return this.#prints.has(printOf(path));
  }
}

function printOf(path: string): string {
  return hash('sha256', path, 'buffer').toString('latin1', 0, 16);
}
