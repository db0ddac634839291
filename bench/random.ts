import { createCipheriv } from 'node:crypto';

/** Random choices that are the same at every run: a benchmark's data must be comparable. */
export class Random {
  private state: number;
  private readonly bytesSource: ReturnType<typeof createCipheriv>;

  constructor(seed: number) {
    this.state = seed;
    this.bytesSource = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  }

  /** In [0, 1). The generator is mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `from` to `to`, both possible. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** The first numbers below `count` are drawn far more often than the last, as words of a language are (Zipf). */
  skewed(count: number): number {
    return Math.floor(count ** this.next()) - 1;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }

  /** Bytes without any pattern, as in files that are compressed already. */
  bytes(length: number): Buffer {
    return this.bytesSource.update(Buffer.alloc(length));
  }

  /** The first of the list are drawn far more often than the last. */
  often<T>(list: readonly T[]): T {
    return list[this.skewed(list.length)] as T;
  }

  uuid(): string {
    const hex = this.bytes(16).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}
