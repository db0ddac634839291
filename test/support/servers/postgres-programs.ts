import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { oncePerRun } from './run.ts';

/** The programs of one PostgreSQL major: `initdb`, `pg_ctl` and `postgres`; those of this machine also the clients. */
export interface PostgresPrograms {
  major: number;
  binDir: string;
}

/** Where Debian and Ubuntu keep the majors side by side; only some of them are linked from PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
const REQUIRED = ['initdb', 'pg_ctl', 'postgres', 'psql', 'pg_dump', 'pg_restore'];

/** The newest PostgreSQL of this machine that has server and clients; null when there is none. */
export function localPrograms(): PostgresPrograms | null {
  const found = [...debianFolders(), ...pathFolders()]
    .filter((binDir) => REQUIRED.every((program) => existsSync(join(binDir, program))))
    .map((binDir) => ({ major: majorOf(binDir), binDir }))
    .sort((a, b) => b.major - a.major);
  return found[0] ?? null;
}

/**
 * The programs of this major: the machine's own, else those that `npm run servers` has put into test/tools
 * (server programs only).
 */
export async function programsOf(major: number): Promise<PostgresPrograms> {
  const local = localPrograms();
  if (local?.major === major) return local;
  return { major, binDir: await embeddedBinDir(major) };
}

/**
 * A copy in the run's folder: the user that runs PostgreSQL when we are root may not read our clone, in root's home.
 * npm packs no symbolic links; the package lists those that its libraries need.
 */
function embeddedBinDir(major: number): Promise<string> {
  return oncePerRun(`postgres-${major}-programs`, async (folder) => {
    const source = join(import.meta.dirname, '..', '..', 'tools', 'node_modules', `postgres-${major}`);
    if (!existsSync(source)) throw new Error(`PostgreSQL ${major} is not in test/tools: run \`npm run servers\``);
    cpSync(join(source, 'native'), join(folder, 'native'), { recursive: true });
    const links = JSON.parse(readFileSync(join(source, 'native', 'pg-symlinks.json'), 'utf8')) as SymbolicLink[];
    for (const link of links) {
      const target = join(folder, link.target);
      mkdirSync(dirname(target), { recursive: true });
      if (!existsSync(target)) symlinkSync(basename(link.source), target);
    }
    return join(folder, 'native', 'bin');
  });
}

interface SymbolicLink {
  source: string;
  target: string;
}

function debianFolders(): string[] {
  if (!existsSync(DEBIAN_FOLDER)) return [];
  return readdirSync(DEBIAN_FOLDER).map((version) => join(DEBIAN_FOLDER, version, 'bin'));
}

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(':').filter((folder) => folder !== '');
}

function majorOf(binDir: string): number {
  const version = execFileSync(join(binDir, 'postgres'), ['--version'], { encoding: 'utf8' });
  return Number(/\(PostgreSQL\) (\d+)/.exec(version)?.[1]);
}
