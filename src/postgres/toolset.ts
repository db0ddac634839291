import { readdir } from 'node:fs/promises';
import { getExecOutput } from '@actions/exec';
import { LifeboatError } from '../errors.ts';

/** Where pg_dump, pg_restore, psql and pg_dumpall come from. */
export interface Toolset {
  /** For messages: `PATH` or the folder. */
  place: string;
  /** As pg_dump says it: `15.18 (Debian 15.18-0+deb12u1)`. */
  version: string;
  major: number;
  path(tool: string): string;
}

/** Where Debian and Ubuntu, and PostgreSQL's own packages for RPM systems, put one folder a version. */
const FOLDERS = [
  { root: '/usr/lib/postgresql', bin: (name: string) => (/^\d+$/.test(name) ? `${name}/bin` : null) },
  { root: '/usr', bin: (name: string) => (/^pgsql-\d+$/.test(name) ? `${name}/bin` : null) },
];

/** Every set of client tools on this machine: first the one on PATH. */
export async function localToolsets(): Promise<Toolset[]> {
  const places: (string | null)[] = [null];
  for (const { root, bin } of FOLDERS) {
    const names = await readdir(root).catch(() => []);
    for (const name of names.sort()) {
      const folder = bin(name);
      if (folder) places.push(`${root}/${folder}`);
    }
  }
  const found = await Promise.all(places.map(toolsetAt));
  return found.filter((toolset) => toolset !== null);
}

async function toolsetAt(folder: string | null): Promise<Toolset | null> {
  const path = (tool: string) => (folder === null ? tool : `${folder}/${tool}`);
  const version = await versionOf(path('pg_dump'));
  if (version === null) return null;
  return { place: folder ?? 'PATH', version: version.text, major: version.major, path };
}

async function versionOf(command: string): Promise<{ text: string; major: number } | null> {
  try {
    const { exitCode, stdout } = await getExecOutput(command, ['--version'], {
      silent: true,
      ignoreReturnCode: true,
      // Nothing else of ours: it could be another program of that name.
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
    });
    const match = /\(PostgreSQL\) ((\d+)\S*.*)/.exec(stdout);
    return exitCode === 0 && match ? { text: match[1] ?? '', major: Number(match[2]) } : null;
  } catch {
    return null;
  }
}

/** The newest tools: any psql of a supported version can ask a server how old it is. */
export function newestToolset(toolsets: Toolset[]): Toolset {
  const [newest] = [...toolsets].sort((a, b) => b.major - a.major);
  if (!newest) {
    throw new LifeboatError(
      'No pg_dump was found: not on PATH, not in /usr/lib/postgresql/*/bin, not in /usr/pgsql-*/bin. Install the client of the server’s major version on the runner, for example: sudo apt-get install postgresql-client-17',
    );
  }
  return newest;
}

/**
 * The server's own major version when it is there, else the nearest newer one. Never an older one: pg_dump refuses
 * servers newer than itself (pg_dump, Notes).
 */
export function chooseToolset(toolsets: Toolset[], serverMajor: number, serverVersion: string): Toolset {
  const [chosen] = toolsets.filter(({ major }) => major >= serverMajor).sort((a, b) => a.major - b.major);
  if (!chosen) {
    const have = toolsets.map(({ place, version }) => `${version} (${place})`).join(', ');
    throw new LifeboatError(
      `The server is PostgreSQL ${serverVersion}, and every pg_dump here is older: ${have}. An older pg_dump cannot dump a newer server. Install the client of version ${serverMajor} or newer on the runner, for example: sudo apt-get install postgresql-client-${serverMajor}`,
    );
  }
  return chosen;
}
