import { LifeboatError } from '../../errors.ts';
import type { DatabasePattern, WantedDatabases } from '../../formats/inventory/databases.ts';
import { quote } from '../../text.ts';
import { parseNames } from '../values/relation-names.ts';

/** `!` leaves out. In double quotes a name is as it is; plain, it has no blank, comma or quote, and `*` and `?` are wildcards. */
const LINE = /^(!?)\s*(?:"((?:[^"]|"")+)"|([^\s",!]+))$/;
/** The word for every database. */
const ALL = 'all';

/** Databases, one a line: `all`, names, globs; those after `!` are left out, wherever they stand. */
export function parseDatabases(text: string): WantedDatabases {
  const wanted: WantedDatabases = { include: [], exclude: [] };
  parseNames(text, (line) => {
    const [all, not, quoted, plain = ''] = LINE.exec(line) ?? [];
    if (all === undefined) throw notADatabase(line);
    wanted[not === '!' ? 'exclude' : 'include'].push(patternOf(quoted, plain));
  });
  if (wanted.include.length === 0) {
    throw new LifeboatError('it only leaves out. Write all, or what is to be backed up, as a line of its own.');
  }
  return wanted;
}

function patternOf(quoted: string | undefined, plain: string): DatabasePattern {
  if (quoted !== undefined) return { text: quoted.replaceAll('""', '"'), glob: false };
  if (plain === ALL) return { text: '*', glob: true };
  return { text: plain, glob: /[*?]/.test(plain) };
}

function notADatabase(line: string): LifeboatError {
  return new LifeboatError(
    `${quote(line)} is not the name of a database. Write all, or one name a line (* and ? are wildcards, ! before it leaves it out), and in double quotes what is not plain: "odd, name".`,
  );
}
