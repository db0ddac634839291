import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runAction, runnersNode, runPost, startAction } from '../../support/action/harness.ts';
import { scanProcesses } from '../../support/action/scan-processes.ts';
import { childrenOf, commandLine } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';

/** An action of one script, for main and post. */
function actionOf(script: string): string {
  const folder = mkdtempSync(join(runFolder(), 'action-'));
  writeFileSync(
    join(folder, 'action.yml'),
    `inputs: { dry-run: { default: 'false' }, two words: { default: 2 }, passphrase: {} }
runs: { using: node24, main: index.mjs, post: index.mjs }`,
  );
  writeFileSync(
    join(folder, 'index.mjs'),
    `import { appendFileSync } from 'node:fs';\nconst env = process.env;\n${script}`,
  );
  return folder;
}

test('inputs come by their names, given or by default; the environment is clean', async () => {
  const action = actionOf('console.log(JSON.stringify(env))');
  process.env.NODE_OPTIONS = '--no-warnings';
  const { stdout, exitCode } = await runAction({ 'dry-run': 'true' }, { action, env: { PGHOST: 'db' } });
  delete process.env.NODE_OPTIONS;
  const env = JSON.parse(stdout);
  expect(exitCode).toBe(0);
  expect(env).toMatchObject({ 'INPUT_DRY-RUN': 'true', INPUT_TWO_WORDS: '2', INPUT_PASSPHRASE: '', PGHOST: 'db' });
  expect(
    Object.keys(env)
      .filter((name) => !/^(INPUT|GITHUB|RUNNER)_/.test(name))
      .sort((a, b) => a.localeCompare(b)),
  ).toEqual(['CI', 'HOME', 'LANG', 'PATH', 'PGHOST']);
});

test('an input that action.yml does not have is an error', () => {
  expect(() => startAction({ 'dry-rum': 'true' }, { action: actionOf('') })).toThrow('no input dry-rum');
});

test('what the action hands the runner is read: outputs, state, summary, annotations, masks, exit code', async () => {
  const action = actionOf(`
    appendFileSync(env.GITHUB_OUTPUT, 'id=1=2\\nreport<<EOF_x\\nline 1\\n\\nid=3\\nEOF_x\\nempty<<EOF_y\\nEOF_y\\n');
    appendFileSync(env.GITHUB_STATE, 'upload=u1\\n');
    appendFileSync(env.GITHUB_STEP_SUMMARY, '# Backup\\n');
    appendFileSync(env.GITHUB_ENV, 'A=b\\n');
    appendFileSync(env.GITHUB_PATH, '/opt/bin\\n');
    console.log('::add-mask::s%25cret%0Aline');
    console.log('hello');
    console.error('::error title=Backup%3A failed,file=x::100%25%0Atwo lines');
    console.log('progress ##[warning]the old form counts too');
    console.log('::unknown::text');
    process.exitCode = 3;
  `);
  const result = await runAction({}, { action });
  expect(result).toMatchObject({
    exitCode: 3,
    signal: null,
    outputs: { id: '1=2', report: 'line 1\n\nid=3', empty: '' },
    state: { upload: 'u1' },
    summary: '# Backup\n',
    exportedEnv: { A: 'b' },
    exportedPath: ['/opt/bin'],
    masks: ['s%cret\nline'],
    log: 'hello\n::unknown::text\n',
  });
  expect(result.annotations).toContainEqual({ kind: 'error', title: 'Backup: failed', message: '100%\ntwo lines' });
  expect(result.annotations).toContainEqual({ kind: 'warning', title: '', message: 'the old form counts too' });
});

test('commands between stop-commands and its token are text', async () => {
  const action = actionOf(`
    console.log('::stop-commands::token1\\n::error::from a child\\n::token1::\\n::notice::ours');
  `);
  const { annotations, log } = await runAction({}, { action });
  expect(annotations).toEqual([{ kind: 'notice', title: '', message: 'ours' }]);
  expect(log).toBe('::error::from a child\n');
});

test('a malformed output file and a summary over 1 MiB are what they are to the runner', async () => {
  const malformed = actionOf(`appendFileSync(env.GITHUB_OUTPUT, 'a<<EOF\\nno end\\n')`);
  await expect(runAction({}, { action: malformed })).rejects.toThrow('no line ends the value of a');
  const tooLong = actionOf(`appendFileSync(env.GITHUB_STEP_SUMMARY, 'x'.repeat(1024 * 1024 + 1))`);
  expect((await runAction({}, { action: tooLong })).summary).toBe('');
});

test('post gets the inputs and the state of main, and files of its own', async () => {
  const action = actionOf(`
    if (env.STATE_seen) appendFileSync(env.GITHUB_OUTPUT, 'post=' + env.STATE_seen + env['INPUT_DRY-RUN'] + '\\n');
    else appendFileSync(env.GITHUB_STATE, 'seen=yes\\n');
  `);
  const main = await runAction({ 'dry-run': 'maybe' }, { action });
  expect(main.outputs).toEqual({});
  expect((await runPost(main)).outputs).toEqual({ post: 'yesmaybe' });
});

const LIVES = 'const timer = setInterval(() => {}, 1000); console.log("ready");';

test('cancelling sends SIGINT', async () => {
  // It listens before it says that it is ready: the signal comes at once.
  const action = actionOf(`
    process.once('SIGINT', () => { console.log('cancelled'); process.exitCode = 1; clearInterval(timer); });
    ${LIVES}
  `);
  const result = await runAction({}, { action, cancelWhen: (printed) => printed.includes('ready') });
  expect(result).toMatchObject({ exitCode: 1, signal: null, stdout: 'ready\ncancelled\n' });
  expect(await runAction({}, { action: actionOf(LIVES), cancelAfter: 300 })).toMatchObject({ signal: 'SIGINT' });
});

test('an action that does not heed SIGINT gets SIGTERM after 7.5 s, SIGKILL 2.5 s later', async () => {
  const stubborn = (name: string) => `process.on('${name}', () => console.log('${name}', Date.now()));`;
  const action = actionOf(`${stubborn('SIGINT')} ${stubborn('SIGTERM')} ${LIVES}`);
  const running = startAction({}, { action });
  await running.waitFor((printed) => printed.includes('ready'));
  await running.cancel();
  const ended = Date.now();
  const { signal, stdout } = await running.finished;
  const [, int, term] = /SIGINT (\d+)\nSIGTERM (\d+)/.exec(stdout) ?? [];
  expect(signal).toBe('SIGKILL');
  // The upper bounds leave room for a machine that is busy with other tests.
  expect(Number(term) - Number(int)).toBeGreaterThan(7_400);
  expect(Number(term) - Number(int)).toBeLessThan(15_000);
  expect(ended - Number(term)).toBeGreaterThan(2_400);
  expect(ended - Number(term)).toBeLessThan(10_000);
});

test('waiting for output that never comes ends with the action', async () => {
  const running = startAction({}, { action: actionOf('console.log("one")') });
  await expect(running.waitFor((printed) => printed.includes('two'))).rejects.toThrow('ended before that:\none');
});

test('peak memory is that of the process', async () => {
  const small = await runAction({}, { action: actionOf('setTimeout(() => {}, 100)') });
  const big = await runAction(
    {},
    { action: actionOf('globalThis.b = Buffer.alloc(2e8, 1); setTimeout(() => {}, 100)') },
  );
  expect(small.peakRss).toBeGreaterThan(20e6);
  expect(big.peakRss - small.peakRss).toBeGreaterThan(1.8e8);
});

test('the scan sees a secret on the command line of any process, and does not repeat it', async () => {
  const action = actionOf(`
    const { spawnSync } = await import('node:child_process');
    for (let i = 0; i < 20; i++) spawnSync('sleep', ['0.01', env.INPUT_PASSPHRASE]);
  `);
  const scan = scanProcesses(['0.0123450']);
  await runAction({ passphrase: '0.0123450' }, { action });
  const { leaks, programs, rounds } = await scan.stop();
  expect(leaks).toEqual(['sleep 0.01 <secret>']);
  expect(programs).toContain('sleep');
  expect(rounds).toBeGreaterThan(5);
});

test('children are found', async () => {
  const action = actionOf(`
    const { spawn } = await import('node:child_process');
    spawn('sh', ['-c', 'sleep 61 & wait'], { stdio: 'ignore' });
    ${LIVES}
  `);
  const running = startAction({}, { action });
  await running.waitFor((printed) => printed.includes('ready'));
  const children = () => childrenOf(running.pid).map(commandLine);
  while (!children().includes('sleep 61')) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(children()).toContain('sh -c sleep 61 & wait');
  for (const pid of childrenOf(running.pid)) process.kill(pid);
  running.kill('SIGKILL');
  expect((await running.finished).signal).toBe('SIGKILL');
});

test('the Node that runners ship runs the action, when asked for or when the environment names it', async () => {
  const action = actionOf('console.log(process.version)');
  expect((await runAction({}, { action, node: runnersNode() })).stdout).toBe('v24.19.0\n');
  const before = process.env.LIFEBOAT_TEST_NODE;
  process.env.LIFEBOAT_TEST_NODE = runnersNode();
  expect((await runAction({}, { action })).stdout).toBe('v24.19.0\n');
  delete process.env.LIFEBOAT_TEST_NODE;
  expect((await runAction({}, { action })).stdout).toBe(`${process.version}\n`);
  if (before !== undefined) process.env.LIFEBOAT_TEST_NODE = before;
});
