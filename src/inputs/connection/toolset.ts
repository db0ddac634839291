import { LifeboatError } from '../../errors.ts';
import type { ToolsetChoice } from '../../postgres/toolset/toolset.ts';
import { quote } from '../../text.ts';
import type { Problem } from '../schema.ts';
import { wholeNumber } from '../values/words.ts';

/** The characters that docker and podman allow; neither can be taken for an option. */
const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9_.\-/:@]*$/;

export function parseToolset(text: string): ToolsetChoice {
  if (text === 'auto' || text === 'local') return { kind: text };
  const [, kind, name = ''] = /^(container|image):(.*)$/.exec(text) ?? [];
  if (kind === 'container') {
    if (CONTAINER.test(name)) return { kind, name };
    throw new LifeboatError(`${quote(text)} names no container. Write its name or id, as in container:shop-db-1.`);
  }
  if (kind === 'image') {
    if (IMAGE.test(name)) return { kind, ref: name };
    throw new LifeboatError(`${quote(text)} names no image. Write one that has PostgreSQL, as in image:postgres:17.`);
  }
  throw new LifeboatError(`${quote(text)} is not known. Write auto, local, container:NAME or image:REFERENCE.`);
}

export function parseImage(text: string): string {
  if (IMAGE.test(text)) return text;
  throw new LifeboatError(
    `${quote(text)} is not the name of an image. Write one that has PostgreSQL, such as postgres:17.`,
  );
}

/** Programs in a container see no file of this machine: what needs one is refused before anything begins. */
export function needsLocalFiles<const Name extends string>(
  toolset: ToolsetChoice | undefined,
  uses: { name: Name; used: boolean }[],
): Problem<Name> | null {
  if (toolset?.kind !== 'container' && toolset?.kind !== 'image') return null;
  const first = uses.find(({ used }) => used);
  if (first === undefined) return null;
  return {
    input: first.name,
    problem: `PostgreSQL's programs read files for it, and in a container they see none of this machine's. Leave ${first.name} out, or install the client on the runner and write toolset: local.`,
  };
}

/** The same for `auto`: for what needs files, it looks for programs of this machine alone. */
export function toolsetFor(needsFiles: boolean, toolset: ToolsetChoice): ToolsetChoice {
  return needsFiles && toolset.kind === 'auto' ? { kind: 'local' } : toolset;
}

/** A container of its own has this machine's network, and none of its sockets. */
export function imageNeedsHost<const Name extends string>(
  toolset: ToolsetChoice | undefined,
  input: Name,
  connection: Record<string, string> | null | undefined,
): Problem<Name> | null {
  if (toolset?.kind !== 'image' || connection === undefined || connection === null) return null;
  const { PGHOST = '', PGHOSTADDR = '' } = connection;
  if (PGHOSTADDR !== '' || (PGHOST !== '' && !PGHOST.startsWith('/'))) return null;
  return {
    input,
    problem:
      'it leads to a socket of this machine, which programs of an image do not see. Name a host, such as 127.0.0.1, or write toolset: local.',
  };
}

/** pg_restore's own limit is larger; so many sessions are of no use on any machine that a runner is. */
const MOST_JOBS = 64;

export function parseRestoreJobs(text: string): number {
  return wholeNumber(1, MOST_JOBS)(text);
}

/** One pg_dump at a time is what this version has. */
export function parseJobs(text: string): 1 {
  if (text === '1') return 1;
  if (/^[1-9]\d*$/.test(text)) {
    throw new LifeboatError(`${quote(text)}: a parallel dump is not in this version yet. Write 1.`);
  }
  throw new LifeboatError(`${quote(text)} is not a number of jobs. Write 1.`);
}
