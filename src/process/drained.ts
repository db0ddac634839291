import type { Writable } from 'node:stream';

/** Resolves when more can be written, and when nothing can any more. Leaves no listener behind, for large streams wait often. */
export function waitForDrain(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off('drain', done).off('close', done);
      resolve();
    };
    output.on('drain', done).on('close', done);
  });
}
