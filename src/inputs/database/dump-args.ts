import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, parseLines, quote } from '../../text.ts';

const WITH_PATTERN = [
  '--schema',
  '--exclude-schema',
  '--table',
  '--exclude-table',
  '--exclude-table-data',
  '--extension',
];
const FLAGS = ['--no-comments', '--no-security-labels', '--large-objects', '--no-large-objects'];
const ALLOWED = `Allowed are ${[...WITH_PATTERN.map((option) => `${option}=PATTERN`), ...FLAGS].join(', ')}.`;

const LONG_NAMES: Record<string, string> = {
  '-n': '--schema',
  '-N': '--exclude-schema',
  '-t': '--table',
  '-T': '--exclude-table',
  '-e': '--extension',
  '-b': '--large-objects',
  '-B': '--no-large-objects',
  '--blobs': '--large-objects',
  '--no-blobs': '--no-large-objects',
};

const STREAM = "the archive is one stream in pg_dump's custom format, which Lifeboat compresses, encrypts and stores";
const CONNECTION = 'it would connect elsewhere than the session that holds the snapshot; write it into database-url';
const WHOLE = 'a backup without all of definitions and rows cannot be restored or proven';
const AT_RESTORE = 'it is a choice for a restore, where the archive still holds everything';
const ROWS = 'rows are written by COPY, which is what is counted, compared and restored fast';
const OURS = 'Lifeboat sets it itself';

/** Options of pg_dump that would break the format or the proof, each with the reason. */
const REFUSED: Record<string, string> = {
  ...sameReason(STREAM, '-f --file -F --format -Z --compress --no-sync --sync-method'),
  ...sameReason(CONNECTION, '-d --dbname -h --host -p --port -U --username -w --no-password -W --password --role'),
  ...sameReason(
    WHOLE,
    '-s --schema-only -a --data-only --section --no-data --no-schema --statistics-only --sequence-data',
  ),
  ...sameReason(
    AT_RESTORE,
    '-c --clean -C --create --if-exists -O --no-owner -x --no-privileges --no-acl --no-tablespaces --no-publications --no-subscriptions --no-table-access-method --no-toast-compression --disable-triggers --use-set-session-authorization -S --superuser',
  ),
  ...sameReason(ROWS, '--inserts --column-inserts --attribute-inserts --rows-per-insert --on-conflict-do-nothing'),
  ...sameReason(OURS, '--snapshot --serializable-deferrable --strict-names -v --verbose --restrict-key'),
  ...sameReason('parallel dumps come in a later version; see the input jobs', '-j --jobs'),
  ...sameReason('there is an input for it, lock-wait-timeout', '--lock-wait-timeout'),
  ...sameReason('it would leave out the rows that row-level security hides, without a word', '--enable-row-security'),
  ...sameReason(
    'it changes how values are written: digits or characters would be lost or differ',
    '--extra-float-digits -E --encoding',
  ),
  ...sameReason(
    'rows would come back into other tables than those they were counted in',
    '--load-via-partition-root --include-foreign-data --no-unlogged-table-data',
  ),
};

function sameReason(text: string, options: string): Record<string, string> {
  return Object.fromEntries(options.split(' ').map((option) => [option, text]));
}

/**
 * Further arguments for pg_dump, one a line, of an allow-list; as an argv, each `--option=value`.
 * No shell reads them: quotes are part of a pattern, as pg_dump's own documentation has it.
 */
export function parseDumpArgs(text: string): string[] {
  const args = parseLines(text, parseDumpArg);
  if (args.includes('--large-objects') && args.includes('--no-large-objects')) {
    throw new LifeboatError('--large-objects and --no-large-objects contradict each other. Remove one of them.');
  }
  return args;
}

function parseDumpArg(line: string): string {
  const [, option = '', value] = /^([^\s=]+)(?:\s*=|\s+)?(.*)$/s.exec(line) ?? [];
  if (!line.startsWith('-')) {
    throw new LifeboatError(`${quote(line)} is not an option; the database is named by database-url. ${ALLOWED}`);
  }
  if (FLAGS.includes(option)) {
    if (option === line) return option;
    throw new LifeboatError(`${quote(line)}: ${option} stands alone on its line. Remove what follows it.`);
  }
  if (WITH_PATTERN.includes(option)) return `${option}=${parsePattern(option, value?.trim() ?? '')}`;
  throw refusedOption(line, option);
}

function parsePattern(option: string, pattern: string): string {
  if (pattern === '')
    throw new LifeboatError(`${option} needs a pattern. Write ${option}=PATTERN, such as ${option}=sales.`);
  if (/^'.*'$/s.test(pattern)) {
    throw new LifeboatError(
      `${quote(pattern)}: no shell reads this, so the single quotes would be part of the name. Remove them.`,
    );
  }
  if (/\s-{1,2}[a-z]/i.test(pattern.replace(/"[^"]*"/g, ''))) {
    throw new LifeboatError(`${quote(`${option}=${pattern}`)} holds a second option. Write each on a line of its own.`);
  }
  if (hasControlCharacter(pattern)) {
    throw new LifeboatError(`${quote(pattern)} holds a control character. Use a wildcard (* or ?) in its place.`);
  }
  return pattern;
}

function refusedOption(line: string, option: string): LifeboatError {
  // Short options can be glued to their value: -Fp, -tname.
  const short = /^-[A-Za-z]/.test(option) ? option.slice(0, 2) : option;
  const long = LONG_NAMES[short];
  if (long !== undefined) {
    return new LifeboatError(
      `${quote(line)}: write the long name, ${WITH_PATTERN.includes(long) ? `${long}=PATTERN` : long}.`,
    );
  }
  const why = REFUSED[short];
  if (why !== undefined) return new LifeboatError(`${quote(line)} is refused: ${why}. Remove it.`);
  return new LifeboatError(`${quote(line)} is not allowed. ${ALLOWED}`);
}
