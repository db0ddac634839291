import { beforeEach, describe, expect, test } from '@jest/globals';
import { UploadState } from '../../../../src/store/file-like/upload-state.ts';

let cleanUps: boolean[];
let lines: string[];
let run: AbortController;

beforeEach(() => {
  cleanUps = [];
  lines = [];
  run = new AbortController();
});

function newState(failure: Error | null = null): UploadState {
  return new UploadState({
    context: { signal: run.signal, info: (line) => lines.push(line), track: () => () => {} },
    object: '"key"',
    cleanUp: async (mayExist) => {
      cleanUps.push(mayExist);
      if (failure !== null) throw failure;
    },
  });
}

const same = (error: unknown) => error;

describe('commit', () => {
  test('leaves an object that was published, also when the upload is aborted afterwards', async () => {
    const state = newState();
    await state.commit(async () => state.setMayExist(), same);
    await state.abort();
    expect(cleanUps).toEqual([]);
  });

  test('removes what was written when publishing fails, and throws the explained error', async () => {
    const state = newState();
    const failing = async () => {
      throw new Error('full');
    };
    const commit = state.commit(failing, (error) => new Error(`explained: ${(error as Error).message}`));
    await expect(commit).rejects.toThrow('explained: full');
    expect(cleanUps).toEqual([false]);
  });

  test('removes the object too when the run is cancelled while it gets its name', async () => {
    const state = newState();
    const cancelledMeanwhile = async () => {
      state.setMayExist();
      run.abort();
    };
    await expect(state.commit(cancelledMeanwhile, same)).rejects.toThrow('Writing "key" was cancelled.');
    expect(cleanUps).toEqual([true]);
  });

  test('removes the object when it got its name after an abort', async () => {
    const state = newState();
    const abortedMeanwhile = async () => {
      await state.abort();
      state.setMayExist();
    };
    await expect(state.commit(abortedMeanwhile, same)).rejects.toThrow('was cancelled');
    expect(cleanUps).toEqual([false, true]);
  });

  test('leaves what exists under the name when the server says that nothing was renamed', async () => {
    const state = newState();
    const refused = async () => {
      state.setMayExist();
      state.setMayExist(false);
      throw new Error('exists');
    };
    await expect(state.commit(refused, same)).rejects.toThrow('exists');
    expect(cleanUps).toEqual([false]);
  });
});

describe('abort', () => {
  test('aborts the signal, and cleans up once', async () => {
    const state = newState();
    await state.abort();
    await state.abort();
    expect(state.signal.aborted).toBe(true);
    expect(() => state.throwIfCancelled()).toThrow('Writing "key" was cancelled.');
    expect(cleanUps).toEqual([false]);
  });

  test('logs what cannot be removed, and does not reject', async () => {
    await newState(new Error('gone')).abort();
    expect(lines).toEqual(['A file of the failed upload is left behind: gone']);
  });
});
