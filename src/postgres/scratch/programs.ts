import { getExecOutput } from '@actions/exec';
import { LifeboatError } from '../../errors.ts';
import { type LocalToolset, localToolsets } from '../toolset/local-toolsets.ts';

/**
 * A PostgreSQL of this machine that can run a server: the source's own major version, else the nearest newer one. Its
 * pg_restore must read what `client` (the major of the pg_dump that made the backup) has written.
 */
export async function serverPrograms(source: number, client: number): Promise<LocalToolset> {
  const found: LocalToolset[] = [];
  for (const toolset of await localToolsets()) if (await hasServer(toolset)) found.push(toolset);
  const needed = Math.max(source, client);
  const [chosen] = found.filter(({ major }) => major >= needed).sort((a, b) => a.major - b.major);
  if (chosen) return chosen;
  const have = found.map(({ place, version }) => `${version} (${place})`).join(', ');
  throw new LifeboatError(
    `A throwaway PostgreSQL ${needed} or newer is needed to restore into, and ${have === '' ? 'no PostgreSQL server is installed here' : `only older ones are here: ${have}`}. Install one on the runner, for example: sudo apt-get install postgresql-${needed}; or give the URL of a service container in scratch-url.`,
  );
}

async function hasServer(toolset: LocalToolset): Promise<boolean> {
  const runs = await Promise.all(['initdb', 'postgres'].map((program) => printsVersion(toolset.path(program))));
  return runs.every(Boolean);
}

async function printsVersion(command: string): Promise<boolean> {
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' };
  try {
    const { exitCode } = await getExecOutput(command, ['--version'], { silent: true, ignoreReturnCode: true, env });
    return exitCode === 0;
  } catch {
    return false;
  }
}
