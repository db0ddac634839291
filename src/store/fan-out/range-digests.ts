import { createHash, type Hash } from 'node:crypto';
import { RANGE_SIZE } from '../../formats/sums.ts';

/** The sha256 of each range of one volume, while it is written. */
export class RangeDigests {
  readonly #done: Buffer[] = [];
  #hash: Hash = createHash('sha256');
  #filled = 0;

  update(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      const piece = bytes.subarray(offset, offset + RANGE_SIZE - this.#filled);
      this.#hash.update(piece);
      this.#filled += piece.length;
      offset += piece.length;
      if (this.#filled === RANGE_SIZE) this.#endRange();
    }
  }

  /** The bytes of the side object. Nothing may be added afterwards. */
  finish(): Buffer {
    if (this.#filled > 0) this.#endRange();
    return Buffer.concat(this.#done);
  }

  #endRange(): void {
    this.#done.push(this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}
