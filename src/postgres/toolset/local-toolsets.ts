import { readdir } from 'node:fs/promises';
import { getExecOutput } from '@actions/exec';
import { readVersion, type Toolset } from './toolset.ts';

/** On this machine, where other programs of the same version can be too. */
export interface LocalToolset extends Toolset {
  path(program: string): string;
}

/**
 * One folder a version: Debian and Ubuntu; PostgreSQL's own packages for RPM systems; Homebrew on Apple's processors and
 * on Intel's (and Linux).
 */
export const FOLDERS = [
  { root: '/usr/lib/postgresql', name: /^\d+$/ },
  { root: '/usr', name: /^pgsql-\d+$/ },
  { root: '/opt/homebrew/opt', name: /^(postgresql@\d+|libpq)$/ },
  { root: '/usr/local/opt', name: /^(postgresql@\d+|libpq)$/ },
  { root: '/home/linuxbrew/.linuxbrew/opt', name: /^(postgresql@\d+|libpq)$/ },
];

/** Every set of client tools on this machine: first the one on PATH. `root`: where the folders begin, for tests. */
export async function localToolsets(root = ''): Promise<LocalToolset[]> {
  const places: (string | null)[] = [null];
  for (const { root: folder, name: pattern } of FOLDERS) {
    const names = await readdir(`${root}${folder}`).catch(() => []);
    places.push(
      ...names
        .filter((name) => pattern.test(name))
        .sort()
        .map((name) => `${root}${folder}/${name}/bin`),
    );
  }
  const found = await Promise.all(places.map(toolsetAt));
  return found.filter((toolset) => toolset !== null);
}

async function toolsetAt(folder: string | null): Promise<LocalToolset | null> {
  const path = (program: string) => (folder === null ? program : `${folder}/${program}`);
  const version = await versionOf(path('pg_dump'));
  if (version === null) return null;
  const invocation: Toolset['invocation'] = (tool, args, env) => ({ command: path(tool), args, env });
  return { place: folder ?? 'PATH', version: version.text, major: version.major, path, invocation };
}

async function versionOf(command: string): Promise<{ text: string; major: number } | null> {
  try {
    const { exitCode, stdout } = await getExecOutput(command, ['--version'], {
      silent: true,
      ignoreReturnCode: true,
      // Nothing else of ours: it could be another program of that name.
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
    });
    return exitCode === 0 ? readVersion(stdout) : null;
  } catch {
    return null;
  }
}
