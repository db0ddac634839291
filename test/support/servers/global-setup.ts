import { endStaleRuns, openRun } from './run.ts';

/** jest's globalSetup: begins the test run. Servers start when a test first asks for them. */
export default async function setup(): Promise<void> {
  await endStaleRuns();
  openRun();
}
