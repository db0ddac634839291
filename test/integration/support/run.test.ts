import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { allProcesses, commandLine, signal } from '../../support/servers/processes.ts';
import { endStaleRuns, oncePerRun, runFolder } from '../../support/servers/run.ts';

/** A process that begins a run of its own, starts what the script says, prints lines, and stays. */
function ownerOf(script: string): ChildProcess {
  const file = join(mkdtempSync(join(runFolder(), 'owner-')), 'owner.ts');
  writeFileSync(file, script.replaceAll('$SERVERS', join(import.meta.dirname, '..', '..', 'support', 'servers')));
  const { TEST_RUN_FOLDER: _, ...env } = process.env;
  return spawn(process.execPath, ['--no-warnings', file], { env, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line;
}

const WITH_SERVERS = `
import { startPostgres } from '$SERVERS/postgres.ts';
import { ensureCeph } from '$SERVERS/ceph.ts';
import { closeRun, runFolder } from '$SERVERS/run.ts';
await Promise.all([startPostgres(), ensureCeph()]);
const timer = setInterval(() => {}, 1000);
process.once('SIGUSR2', async () => { await closeRun(); clearInterval(timer); });
console.log(runFolder()); // Last: whoever reads it may send the signal at once.
`;

function serversOf(folder: string): string[] {
  return allProcesses()
    .map(commandLine)
    .filter((line) => line.includes(folder) && !line.includes('watchdog'));
}

async function untilGone(folder: string): Promise<void> {
  while (existsSync(folder) || serversOf(folder).length > 0) await sleep(20);
}

test('closing a run stops its servers and removes its folder', async () => {
  const owner = ownerOf(WITH_SERVERS);
  const folder = await firstLine(owner);
  expect(serversOf(folder).join()).toMatch(/(?=.*postgres)(?=.*ceph-osd)(?=.*radosgw)/);
  owner.kill('SIGUSR2');
  await once(owner, 'exit');
  expect(serversOf(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test('a run ends when its owner is killed', async () => {
  const owner = ownerOf(WITH_SERVERS);
  const folder = await firstLine(owner);
  owner.kill('SIGKILL');
  await untilGone(folder);
});

test('a run whose watchdog was killed too is ended by the next run', async () => {
  const owner = ownerOf(WITH_SERVERS);
  const folder = await firstLine(owner);
  for (const pid of allProcesses()) {
    if (commandLine(pid).endsWith(`watchdog.ts ${folder}`)) signal(pid, 'SIGKILL');
  }
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await sleep(200);
  expect(serversOf(folder).length).toBeGreaterThan(3);
  await endStaleRuns();
  expect(serversOf(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(runFolder())).toBe(true);
});

test('what is started once a run is started once, by whichever process asks first', async () => {
  const name = `once-${crypto.randomUUID()}`;
  const starts = join(runFolder(), `${name}.starts`);
  const script = `
import { oncePerRun } from '$SERVERS/run.ts';
import { appendFileSync } from 'node:fs';
const value = await oncePerRun('${name}', async () => {
  appendFileSync('${starts}', 'started\\n');
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { pid: process.pid };
});
console.log(JSON.stringify(value));
`;
  const file = `${starts}.ts`;
  writeFileSync(file, script.replaceAll('$SERVERS', join(import.meta.dirname, '..', '..', 'support', 'servers')));
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, ['--no-warnings', file], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const values = await Promise.all(children.map(firstLine));
  expect(new Set(values).size).toBe(1);
  expect(readFileSync(starts, 'utf8')).toBe('started\n');
});

test('what could not start is reported to all who ask', async () => {
  const name = `fails-${crypto.randomUUID()}`;
  const fail = () => oncePerRun(name, () => Promise.reject(new Error('no such program')));
  await expect(fail()).rejects.toThrow('no such program');
  await expect(fail()).rejects.toThrow(`${name} did not start: no such program`);
});
