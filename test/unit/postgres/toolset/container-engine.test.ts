import { expect, test } from '@jest/globals';
import { engineReason } from '../../../../src/postgres/toolset/container-engine.ts';

const DAEMON = 'docker: Error response from daemon: exec: "sh": executable file not found in $PATH: unknown';

test.each([
  [
    'podman: its last line',
    'Trying to pull x...\nError: initializing source: denied\n',
    'Error: initializing source: denied',
  ],
  ['docker: the line before its hint', `${DAEMON}\n\nRun 'docker run --help' for more information\n`, DAEMON],
  ['an older docker: the line before its hint', `${DAEMON}.\nSee 'docker run --help'.\n`, `${DAEMON}.`],
  ['nothing but white space', ' \n\n', null],
])('finds why an engine failed, %s', (_, stderr, reason) => {
  expect(engineReason(stderr)).toBe(reason);
});
