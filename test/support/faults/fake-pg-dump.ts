import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localPrograms } from '../servers/postgres-programs.ts';
import { runFolder } from '../servers/run.ts';

/** What a pg_dump does in the place of dumping; `real` stands for the whole dump on standard output. */
export const MISBEHAVIOURS = {
  'exits 1 at once': 'echo "pg_dump: error: out of luck" >&2; exit 1',
  // Meanwhile the other dump has filled every buffer on its way.
  'exits 1 after a second': 'sleep 1; echo "pg_dump: error: out of luck" >&2; exit 1',
  'writes 1 MB, then exits 1': 'real | head -c 1000000; echo "pg_dump: error: out of luck" >&2; exit 1',
  'writes 1 MB, then is killed': 'real | head -c 1000000; kill -9 $$',
  'exits 0 with no bytes': 'exit 0',
  // Not `sleep` as a child, which would live on with standard error open when its shell is killed.
  'closes its output, then hangs': 'real; exec sleep 600 >&-',
  'writes 8 MB, then hangs, deaf to SIGTERM': 'trap "" TERM; real | head -c 8000000; while :; do sleep 1; done',
  'warns, and does its work':
    'echo "pg_dump: warning: there are circular foreign-key constraints" >&2; real; echo "pg_dump: detail: table" >&2',
} as const;

export interface FakePgDump {
  /** PATH for the action. */
  path: string;
  /** From now on the pg_dump of this dump does that; the other one is real. */
  misbehave(dump: 'schema' | 'data', what: keyof typeof MISBEHAVIOURS | 'is gone' | 'may not be run'): void;
}

/**
 * A folder for PATH that holds PostgreSQL's clients and nothing else, so that a program that is not there is not found
 * elsewhere. Its pg_dump is the real one until it is told otherwise.
 */
export function fakePgDump(): FakePgDump {
  const folder = mkdtempSync(join(runFolder(), 'fake-'));
  const { binDir = '' } = localPrograms() ?? {};
  const real = join(binDir, 'pg_dump');
  for (const tool of ['psql', 'pg_restore', 'pg_dumpall']) symlinkSync(join(binDir, tool), join(folder, tool));
  const fake = join(folder, 'pg_dump');
  const write = (dump: string, script: string, version: string) =>
    writeFileSync(
      fake,
      `#!/bin/sh
PATH=/usr/bin:/bin
real() { ${real} "$@"; }
case " $* " in
  *' --version '*) ${version} exec ${real} --version ;;
  *' --schema-only '*) dump=schema ;;
  *) dump=data ;;
esac
[ "$dump" = "${dump}" ] || exec ${real} "$@"
${script.replace(/\breal\b/, 'real "$@"')}
`,
      { mode: 0o755 },
    );
  write('none', '', '');
  return {
    path: folder,
    misbehave: (dump, what) => {
      // The version is asked once, before the dump.
      if (what === 'is gone') write(dump, '', `rm ${fake};`);
      else if (what === 'may not be run') write(dump, '', `chmod 000 ${fake};`);
      else write(dump, MISBEHAVIOURS[what], '');
    },
  };
}
