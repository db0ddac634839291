/**
 * Milliseconds after which something hangs: a run, a server that starts, a process that must end. It does not measure speed,
 * so a machine with a load of 20 on two cores must not reach it. It is shorter than the limits of five minutes that Lifeboat
 * itself has (store-timeout, lock-wait-timeout): a run that only they end counts as one that hangs. jest's limit for a test
 * is longer (jest.config.mjs), so that a run is cancelled first and its output is shown.
 */
export const HANG_LIMIT = 240_000;
