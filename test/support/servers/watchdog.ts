import { endRun } from './run.ts';

/** Ends a test run when its owner ends, even by SIGKILL: the owner holds the other end of our standard input. */
const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: watchdog.ts RUN_FOLDER');
process.stdin.resume().on('close', () => endRun(folder));
