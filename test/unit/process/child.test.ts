import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { runTool, startTool, ToolError } from '../../../src/process/child.ts';
import { isAlive, waitUntilGone } from '../../support/servers/processes.ts';

function context(signal = new AbortController().signal) {
  return { signal, track: () => () => {} };
}

function shell(script: string) {
  return { name: 'tool', command: '/bin/sh', args: ['-c', script], env: { PATH: '/usr/bin:/bin' } };
}

describe('a tool', () => {
  test('has its output kept when it ends before anybody reads', async () => {
    const tool = startTool(shell('printf whole'), context());
    await sleep(300);
    const chunks: Buffer[] = [];
    for await (const chunk of tool.stdout) chunks.push(chunk as Buffer);
    await tool.finished;
    expect(Buffer.concat(chunks).toString()).toBe('whole');
  });

  test('has not done its work when its output ends and it exits with an error', async () => {
    const tool = startTool(shell('printf half; echo no space >&2; exit 3'), context());
    tool.stdout.resume();
    await expect(tool.finished).rejects.toThrow('tool exited with code 3. It said: no space');
  });

  test('has not done its work when a signal ended it', async () => {
    const tool = startTool(shell('printf half; kill -9 $$'), context());
    tool.stdout.resume();
    await expect(tool.finished).rejects.toThrow('tool was ended by SIGKILL');
  });

  test('that is not there is named with its path', async () => {
    const missing = { ...shell(''), command: '/nonexistent/pg_dump' };
    await expect(runTool(missing, context())).rejects.toThrow(/could not be started \(\/nonexistent\/pg_dump\)/);
    await expect(runTool(missing, context())).rejects.toBeInstanceOf(ToolError);
  });

  test('is ended by the signal, with SIGKILL when it does not listen to SIGTERM', async () => {
    const abort = new AbortController();
    const tool = startTool(shell('trap "" TERM; while :; do sleep 0.1; done'), context(abort.signal));
    tool.stdout.resume();
    setTimeout(() => abort.abort(), 200);
    await expect(tool.finished).rejects.toThrow('tool was ended by SIGKILL');
  });

  test('that leads a group is ended with what it has started', async () => {
    const abort = new AbortController();
    const tool = startTool({ ...shell('sleep 600 & echo $!; wait'), group: true }, context(abort.signal));
    const [pid] = await once(tool.stdout, 'data');
    expect(isAlive(Number(pid))).toBe(true);
    abort.abort();
    await expect(tool.finished).rejects.toThrow('tool was ended by SIGTERM');
    expect(await waitUntilGone([Number(pid)])).toEqual([]);
  });

  test('inherits nothing of our environment', async () => {
    process.env.INPUT_PASSPHRASE = 'secret';
    const output = await runTool(shell('env'), context());
    delete process.env.INPUT_PASSPHRASE;
    expect(output.toString()).not.toContain('secret');
  });

  test('is given its input', async () => {
    const output = await runTool(shell('cat'), context(), Buffer.from('input'));
    expect(output.toString()).toBe('input');
  });
});
