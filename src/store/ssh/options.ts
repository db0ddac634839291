/** How a server is spoken to. Tests make the times shorter; they are milliseconds. */
export interface SshOptions {
  /** Until the server has let us in. */
  connectTimeout: number;
  /** A request that is not answered for so long ends the connection. */
  answerTimeout: number;
  /** How often a quiet connection is asked whether it is there; after four questions without an answer it is not. */
  keepalive: number;
  /** How long the server may take for the sha256 of an object before its size alone counts. */
  digestTimeout: number;
  /** How long taking something back may take: a cancelled job is killed after 10 s. */
  cleanUpTimeout: number;
}

export const DEFAULT_OPTIONS: SshOptions = {
  connectTimeout: 20_000,
  answerTimeout: 60_000,
  keepalive: 15_000,
  digestTimeout: 120_000,
  cleanUpTimeout: 2_500,
};

/** Bytes of one request: what every server takes (SSH File Transfer Protocol 02, section 3). */
export const BLOCK = 32 * 1024;
/** Requests of one file that are under way at the same time: 2 MiB, enough for 50 MB/s over 40 ms. */
export const AT_ONCE = 64;
