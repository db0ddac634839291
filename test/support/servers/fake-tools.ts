import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localPrograms } from './postgres-programs.ts';
import { runFolder } from './run.ts';

/** What the fake `pg_dump` does when it is asked for data (P1). Asked for its version it answers as the real one. */
export type PgDumpBehaviour = keyof typeof BEHAVIOURS;

export interface FakeTools {
  /** The value for PATH: one folder that has PostgreSQL's client programs, and no way to a second `pg_dump`. */
  path: string;
  /** Every call until now of a client program, in the order of their beginning. */
  calls(): ToolCall[];
}

export interface ToolCall {
  /** Such as `pg_dump`. */
  tool: string;
  args: string[];
  env: Record<string, string>;
}

export interface FakeOptions {
  /** What `pg_dump --schema-only` is; default: the real one. */
  schemaOnly?: 'real' | 'fake';
}

/** Shell lines. `$real "$@"` is the real pg_dump, as it was called; `$self` the fake's own file. */
const BEHAVIOURS = {
  'exits 1 at once': `echo 'pg_dump: error: fake failure' >&2; exit 1`,
  'exits 1 midway': `"$real" "$@" 2> /dev/null | head -c 1048576; echo 'pg_dump: error: fake failure' >&2; exit 1`,
  'is killed midway': `"$real" "$@" 2> /dev/null | head -c 1048576; kill -9 $$`,
  'writes nothing and exits 0': 'exit 0',
  'closes its output and hangs': '"$real" "$@"; exec sleep 600 >&-',
  'warns and exits 0': `echo 'pg_dump: warning: there are circular foreign-key constraints' >&2; exec "$real" "$@"`,
  works: 'exec "$real" "$@"',
  // These three are broken by their own answer to --version: a tool that cannot even tell that is not chosen at all.
  'is gone (ENOENT)': 'rm "$self"',
  'is not executable (EACCES)': 'chmod a-x "$self"',
  'has no interpreter (ENOENT)': `printf '#!/no/such/interpreter\\n' > "$self.new"; chmod +x "$self.new"; mv "$self.new" "$self"`,
} as const;

const CLIENT_PROGRAMS = ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];

/** What the scripts need beside the shell. */
const UTILITIES = ['chmod', 'date', 'env', 'head', 'mkdir', 'mv', 'rm', 'sleep'];

/** A folder for PATH with the client programs of this machine, of which `pg_dump` behaves like that. */
export function fakePgDump(behaviour: PgDumpBehaviour, { schemaOnly = 'real' }: FakeOptions = {}): FakeTools {
  const binDir = localPrograms()?.binDir;
  if (binDir === undefined) throw new Error('no PostgreSQL on this machine: run `npm run servers`');
  const folder = mkdtempSync(join(runFolder(), 'fake-'));
  for (const name of ['bin', 'calls']) mkdirSync(join(folder, name));
  for (const name of UTILITIES) symlinkSync(join('/bin', name), join(folder, 'bin', name));
  for (const tool of CLIENT_PROGRAMS) {
    const script = tool === 'pg_dump' ? pgDumpScript(behaviour, schemaOnly) : 'exec "$real" "$@"';
    const file = join(folder, 'bin', tool);
    writeFileSync(file, `${preamble(folder, tool, join(binDir, tool))}\n${script}\n`);
    chmodSync(file, 0o755);
  }
  return { path: join(folder, 'bin'), calls: () => readCalls(join(folder, 'calls')) };
}

/** The real client programs, each of whose calls is recorded. */
export function recordingTools(): FakeTools {
  return fakePgDump('works');
}

function pgDumpScript(behaviour: PgDumpBehaviour, schemaOnly: 'real' | 'fake'): string {
  const breaksItself = behaviour.includes('(E');
  const real = schemaOnly === 'real' ? '--version | -V | --schema-only | -s' : '--version | -V';
  return `
for argument in "$@"; do
  case $argument in
    ${breaksItself ? `--version) "$real" --version; ${BEHAVIOURS[behaviour]}; exit 0 ;;` : `${real}) exec "$real" "$@" ;;`}
  esac
done
${breaksItself ? 'exit 99' : BEHAVIOURS[behaviour]}`;
}

/** Records the call: its arguments and its environment, each ended by a zero byte. */
function preamble(folder: string, tool: string, real: string): string {
  return `#!/bin/sh
self='${join(folder, 'bin', tool)}'
real='${real}'
call="${folder}/calls/$(date +%s%N)-$$-${tool}"
mkdir "$call.new"
env -0 > "$call.new/env"
[ $# -eq 0 ] || printf '%s\\0' "$@" > "$call.new/args"
mv "$call.new" "$call"`;
}

function readCalls(folder: string): ToolCall[] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith('.new'))
    .sort((a, b) => a.localeCompare(b))
    .map((name) => ({
      tool: name.split('-')[2] ?? '',
      args: readWords(join(folder, name, 'args')),
      env: Object.fromEntries(readWords(join(folder, name, 'env')).map(pairOf)),
    }));
}

function readWords(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0').slice(0, -1);
  } catch {
    return []; // A call without arguments writes no file.
  }
}

function pairOf(assignment: string): [name: string, value: string] {
  const equals = assignment.indexOf('=');
  return [assignment.slice(0, equals), assignment.slice(equals + 1)];
}
