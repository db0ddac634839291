/** Takes a stream of bytes apart by numbers of bytes. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = Buffer.of();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next bytes, which stay where they are; fewer when the stream ends before. */
  async peek(size: number): Promise<Uint8Array> {
    while (this.#chunk.length < size) {
      const { done, value } = await this.#source.next();
      if (done) break;
      this.#chunk = this.#chunk.length === 0 ? value : Buffer.concat([this.#chunk, value]);
    }
    return this.#chunk.subarray(0, size);
  }

  /** The next bytes; fewer when the stream ends before. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = await this.peek(size);
    this.#chunk = this.#chunk.subarray(bytes.length);
    return bytes;
  }

  /** Some of the next bytes, at least one and at most `most`; null at the end. No byte is copied. */
  async readUpTo(most: number): Promise<Uint8Array | null> {
    if ((await this.peek(1)).length === 0) return null;
    return this.take(Math.min(most, this.#chunk.length));
  }

  /** Whatever is left, as it comes. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (let bytes = await this.readUpTo(Infinity); bytes !== null; bytes = await this.readUpTo(Infinity)) yield bytes;
  }

  /** Nobody reads on: the source is told. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
