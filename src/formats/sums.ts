/**
 * A side object holds the sha256 of each range of one volume, 32 bytes each, in order: so a reader knows of every range
 * that it is what was stored before it uses a byte of it. Ranges never cross a volume; the last may be shorter.
 */
export const RANGE_SIZE = 8 * 1024 * 1024;
export const DIGEST_SIZE = 32;

/** The exact size of the side object of a volume. */
export function sumsSize(volumeSize: number): number {
  return Math.ceil(volumeSize / RANGE_SIZE) * DIGEST_SIZE;
}

/** The digest of the range that begins at `start`. */
export function sumAt(sums: Uint8Array, start: number): Uint8Array {
  const at = (start / RANGE_SIZE) * DIGEST_SIZE;
  return sums.subarray(at, at + DIGEST_SIZE);
}
