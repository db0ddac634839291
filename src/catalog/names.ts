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

/** The parts of a backup, in the order in which they are written, and the names of their first volumes. */
export const partFiles = {
  schema: 'schema.dump.zst.gpg',
  data: 'data.dump.zst.gpg',
  globals: 'globals.sql.zst.gpg',
  inventory: 'inventory.json.zst.gpg',
} as const;

export type PartName = keyof typeof partFiles;

/** `data.dump.zst.gpg`, then `data.dump.zst.gpg.0001`, ...: joined with `cat` in the order of their names. */
export function volumeFile(part: PartName, index: number): string {
  return index === 0 ? partFiles[part] : `${partFiles[part]}.${String(index).padStart(4, '0')}`;
}

/** Which volume of which part a file is; null when it is none. */
export function parseVolumeFile(file: string): { part: PartName; index: number } | null {
  const [, first, number = '0'] = /^(.+\.gpg)(?:\.(\d{4,}))?$/.exec(file) ?? [];
  const part = (Object.keys(partFiles) as PartName[]).find((name) => partFiles[name] === first);
  if (part === undefined) return null;
  const index = Number(number);
  return volumeFile(part, index) === file ? { part, index } : null;
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
