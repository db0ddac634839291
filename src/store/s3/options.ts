/** How uploads and requests are sized and timed. Tests make them smaller; times are milliseconds. */
export interface S3Options {
  /** Bytes of every part but the last: one constant size, for R2 refuses uneven parts, and only when all are sent. */
  partSize: number;
  /** Parts of one upload that are sent at the same time. An upload holds one buffer more: the one being filled. */
  partsUnderWay: number;
  /** The most parts that an object may have: 10,000 on AWS. */
  maxParts: number;
  /** How often a request is sent in all before its failure counts. */
  attempts: number;
  /** The wait before the second attempt; it doubles with each further one. */
  firstDelay: number;
  longestDelay: number;
  /** A connection on which nothing moves for so long is given up, and the request sent again. */
  idleTimeout: number;
  /** How long `abort()` may take: a cancelled job is killed after 10 s. */
  abortTimeout: number;
}

export const DEFAULT_OPTIONS: S3Options = {
  partSize: 16 * 1024 * 1024,
  partsUnderWay: 3,
  maxParts: 10_000,
  attempts: 8,
  firstDelay: 500,
  longestDelay: 20_000,
  idleTimeout: 60_000,
  abortTimeout: 2_500,
};
