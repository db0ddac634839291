/** Buffers of one size, used again and again: the memory of an upload does not depend on its length. */
export class BufferPool {
  readonly #size: number;
  readonly #free: Buffer[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer with any content. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}
