/** The name of a set made from a database's name: bytes that are not plain in a path or an URL are written `=XX`. */
export function setNameOf(database: string): string {
  let name = '';
  for (const byte of Buffer.from(database, 'utf8')) {
    const char = String.fromCharCode(byte);
    const plain = name === '' ? /[A-Za-z0-9]/ : /[A-Za-z0-9._-]/;
    name += plain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return name;
}

// One character, or one byte of a database's name that is not plain in a path: `=20` is a space.
const FIRST = '(?:[A-Za-z0-9]|=[0-9A-F]{2})';
const NEXT = '(?:[A-Za-z0-9._-]|=[0-9A-F]{2})';
const SET_NAME = new RegExp(`^${FIRST}${NEXT}{0,62}$`);

/** Whether the text can be the name of a set; other folders in a store are not ours. */
export function isSetName(text: string): boolean {
  return SET_NAME.test(text);
}

/** The parts that every database has, and the names of their first volumes. */
export const partFiles = {
  schema: 'schema.dump.zst.gpg',
  data: 'data.dump.zst.gpg',
  globals: 'globals.sql.zst.gpg',
  inventory: 'inventory.json.zst.gpg',
} as const;

/** A part of a backup. One that begins with `files-` is a file tree, by its label. */
export type PartName = keyof typeof partFiles | `files-${string}`;

/** What a file tree can be called: its label is part of a file's name in the store, and a folder when it is unpacked. */
export const LABEL = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const PREFIX = 'files-';
const TREE_SUFFIX = '.tar.zst.gpg';
const SUMS_SUFFIX = '.sums';

export function partOfTree(label: string): PartName {
  return `${PREFIX}${label}` as PartName;
}

export function isTree(part: PartName): boolean {
  return part.startsWith(PREFIX);
}

export function isPartName(text: string): text is PartName {
  return Object.hasOwn(partFiles, text) || (text.startsWith(PREFIX) && LABEL.test(text.slice(PREFIX.length)));
}

const ORDER = ['schema', 'data', 'globals', PREFIX, 'inventory'];

/** In the order in which they are written: the inventory, which binds the others, is the last. */
export function inOrder(parts: Iterable<PartName>): PartName[] {
  const place = (name: PartName) => ORDER.indexOf(isTree(name) ? PREFIX : name);
  return [...parts].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** `data.dump.zst.gpg`, then `data.dump.zst.gpg.0001`, ...: joined with `cat` in the order of their names. */
export function volumeFile(part: PartName, index: number): string {
  const first = Object.hasOwn(partFiles, part) ? partFiles[part as keyof typeof partFiles] : `${part}${TREE_SUFFIX}`;
  return index === 0 ? first : `${first}.${String(index).padStart(4, '0')}`;
}

/** Which volume of which part a file is; null when it is none. */
export function parseVolumeFile(file: string): { part: PartName; index: number } | null {
  const [, first = '', number = '0'] = /^(.+\.gpg)(?:\.(\d{4,}))?$/.exec(file) ?? [];
  const part = partOf(first);
  if (part === null) return null;
  const index = Number(number);
  return volumeFile(part, index) === file ? { part, index } : null;
}

/**
 * `data.sums`, `data.0001.sums`: the side object of a volume. It does not begin with the volume's name, so that
 * `cat data.dump.zst.gpg*` takes volumes alone.
 */
export function sumsFile(part: PartName, index: number): string {
  return index === 0 ? `${part}${SUMS_SUFFIX}` : `${part}.${String(index).padStart(4, '0')}${SUMS_SUFFIX}`;
}

/** Whether a file is the side object of a volume. */
export function isSumsFile(file: string): boolean {
  const [, part = '', number = '0'] = /^([a-z0-9_-]+)(?:\.(\d{4,}))?\.sums$/.exec(file) ?? [];
  return isPartName(part) && sumsFile(part, Number(number)) === file;
}

function partOf(firstVolume: string): PartName | null {
  const fixed = (Object.keys(partFiles) as (keyof typeof partFiles)[]).find((name) => partFiles[name] === firstVolume);
  if (fixed) return fixed;
  const name = firstVolume.endsWith(TREE_SUFFIX) ? firstVolume.slice(0, -TREE_SUFFIX.length) : '';
  return isPartName(name) ? name : null;
}

export const MANIFEST_FILE = 'manifest.json';
export const SIGNATURE_FILE = 'manifest.json.asc';
/** There while the backup is held. */
export const HOLD_FILE = 'hold.json';

/** The key of a file of a backup, relative to the store's root. */
export function keyOf(set: string, id: string, file: string): string {
  return `${set}/${id}/${file}`;
}

/** The longest name of a database, in bytes (NAMEDATALEN - 1). */
const LONGEST_NAME = 63;

/** A name of ours for a database: the original cut so that the whole fits, never within a character; the suffix whole. */
export function databaseNameOf(original: string, suffix: string): string {
  let head = '';
  for (const char of original) {
    if (Buffer.byteLength(head + char + suffix) > LONGEST_NAME) break;
    head += char;
  }
  return head + suffix;
}
