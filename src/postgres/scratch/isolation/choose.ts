import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalToolset } from '../../toolset/local-toolsets.ts';
import { noUserForServer, otherUser, runsAsRoot } from '../server-user.ts';
import { notIsolated, userAlone, userInNamespaces } from './another-user.ts';
import { bubblewrapIsolation } from './bubblewrap.ts';
import { commandSucceeds } from './command-succeeds.ts';
import type { Isolation } from './isolation.ts';
import { findLimits, plainEnvironment } from './limits.ts';

/** The strongest isolation that works here; `parent`: where the cluster's folder will be with each. */
export async function chooseIsolation(
  toolset: LocalToolset,
  parent: (isolation: Isolation) => Promise<string>,
  isAllowed: (isolation: Isolation) => boolean,
): Promise<Isolation> {
  const postgres = absolutePath(toolset.path('postgres'));
  const candidates = (await listCandidates(postgres)).filter(isAllowed);
  for (const candidate of candidates) {
    if (!candidate.closed) return candidate;
    const place = await parent(candidate);
    if (await runsServer(candidate, postgres ?? '', place)) return candidate;
  }
  throw noUserForServer();
}

async function listCandidates(postgres: string | null): Promise<Isolation[]> {
  const isRoot = runsAsRoot();
  const other = await otherUser();
  if (isRoot && other === null) return [];
  const limits = await findLimits(isRoot && other ? other.uid : (process.getuid?.() ?? 0));
  const last = isRoot && other ? userAlone(other, limits) : notIsolated(limits);
  if (postgres === null || process.platform !== 'linux') return [last];
  const knowsSize = await knowsTmpfsSize();
  const boxed = knowsSize === null ? null : { limits, postgres, knowsSize };
  const ways: Isolation[] = [];
  if (boxed && !isRoot) ways.push(bubblewrapIsolation({ ...boxed, user: null, sudo: false }));
  if (other === null) return [...ways, last];
  if (!isRoot && !(await commandSucceeds({ command: 'sudo', args: ['-n', 'true'], env: plainEnvironment() }))) {
    return [...ways, last];
  }
  const theirs = isRoot ? limits : await findLimits(other.uid);
  if (boxed) ways.push(bubblewrapIsolation({ ...boxed, limits: theirs, user: other, sudo: !isRoot }));
  return [...ways, userInNamespaces(other, !isRoot, theirs), last];
}

/** null: bubblewrap is not installed. */
async function knowsTmpfsSize(): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)('bwrap', ['--help'], { env: plainEnvironment(), timeout: 10_000 });
    return stdout.includes('--size');
  } catch {
    return null;
  }
}

/** Namespaces can be denied in many ways, and a server can need files that it does not see there: it is tried. */
function runsServer(isolation: Isolation, postgres: string, parent: string): Promise<boolean> {
  const script = 'cd "$0" && exec "$1" --version';
  // bubblewrap mounts the cluster's folder, so the folders above it do not count.
  const place = isolation.kind === 'bubblewrap' ? '/' : parent;
  const options = { env: plainEnvironment(), writable: [] };
  return commandSucceeds(isolation.wrap(['sh', '-c', script, place, postgres], options));
}

/** A program of PATH is named without a folder. */
function absolutePath(program: string): string | null {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(':').filter(Boolean);
  for (const folder of folders) {
    const path = folder === '' ? program : join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
