import { closeRun } from './run.ts';

/** jest's globalTeardown: stops every server that the run has started, and leaves no folder. */
export default async function teardown(): Promise<void> {
  await closeRun();
}
