import type { ToolCommand } from '../../process/child.ts';

/** Where PostgreSQL's client programs are taken from. */
export type ToolsetChoice =
  | { kind: 'auto' | 'local' }
  | { kind: 'container'; name: string }
  | { kind: 'image'; ref: string };

/** Where pg_dump, pg_restore, psql and pg_dumpall come from. */
export interface Toolset {
  /** For messages: `PATH`, a folder, a container, an image. */
  place: string;
  /** As pg_dump says it: `15.18 (Debian 15.18-0+deb12u1)`. */
  version: string;
  major: number;
  /** `auto` found it, and nobody named it: that must be told. */
  unnamed?: boolean;
  /** How one of its programs is run; `env` is all of the environment that reaches it. */
  invocation(tool: string, args: string[], env: Record<string, string>): Invocation;
}

/** The part of a ToolCommand that depends on where the program is. */
export type Invocation = Pick<ToolCommand, 'command' | 'args' | 'env' | 'containerProcess' | 'endMark'>;

/** Whose programs are used, when a reader would not expect them; else nothing. */
export function unexpectedNotice({ place, version, unnamed }: Toolset): string[] {
  return unnamed
    ? [`PostgreSQL's programs are those of ${place} (${version}), because none on this machine fits.`]
    : [];
}

/** Of what `pg_dump --version` says; null when another program of that name says something else. */
export function readVersion(output: string): { text: string; major: number } | null {
  const match = /\(PostgreSQL\) ((\d+)\S*.*)/.exec(output);
  return match ? { text: match[1] ?? '', major: Number(match[2]) } : null;
}
