import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { formatBytes } from '../src/units.ts';
import { execute } from '../test/support/servers/execute.ts';

/** The machine and the programs, by name or path, without anything that tells whose machine it is. */
export async function describeMachine(programs: string[]): Promise<string[]> {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  const versions = await Promise.all(programs.map(versionOf));
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${formatBytes(totalmem())} of memory, ${system}`,
    `load average before: ${loadavg()[0]?.toFixed(2)}`,
    [`Node ${process.versions.node}`, ...versions].join('; '),
  ];
}

async function versionOf(program: string): Promise<string> {
  return (await execute(program, ['--version'])).split('\n')[0]?.replace(/^\*\*\* | \*\*\*$/g, '') ?? program;
}
