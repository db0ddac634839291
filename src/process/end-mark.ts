import { Transform, type TransformCallback } from 'node:stream';

/**
 * Lets through all but a mark at the end of the bytes, and tells whether it was there. Between us and a program in a
 * container is an engine that can lose the end of what it says, and report success: podman 4.3 does when the program
 * ends with input left.
 */
export class EndMark extends Transform {
  readonly #mark: Buffer;
  readonly #onMark: () => void;
  #held: Buffer = Buffer.of();

  /** `onMark` is called as soon as the mark is there. */
  constructor(mark: string, onMark: () => void) {
    super();
    this.#mark = Buffer.from(mark);
    this.#onMark = onMark;
  }

  /** It stands at the end of what has come. */
  get wasThere(): boolean {
    return this.#held.equals(this.#mark);
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = Math.max(0, bytes.length - this.#mark.length);
    this.#held = bytes.subarray(end);
    if (end > 0) this.push(bytes.subarray(0, end));
    if (this.wasThere) this.#onMark();
    done();
  }

  override _flush(done: TransformCallback): void {
    if (!this.#held.equals(this.#mark)) this.push(this.#held);
    done();
  }
}
