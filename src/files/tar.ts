import { archiveName, type Entry } from './entry.ts';

/*
 * The blocks of a tar archive in the pax format (POSIX.1-2024, pax, "pax Interchange Format"). tar-stream, which reads
 * archives here, can make them too, but keeps every entry without content in memory until somebody reads on.
 */
const BLOCK = 512;
/** What the fields of a plain header hold. */
const LONGEST_NAME = 100;
const LARGEST_ID = 0o7777777;
const LARGEST_SIZE = 0o77777777777;
const TYPE_FLAGS = { file: '0', link: '2', folder: '5' } as const;
const EXTENDED_HEADER = 'x';
const NANOSECONDS = 1_000_000_000n;

/** With these the archive is whole. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK);

/** What stands before an entry's content: its header, and before that an extended one when it does not hold everything. */
export function headerOf(entry: Entry): Buffer {
  const { type, mode, uid, gid, size, mtime, target } = entry;
  const name = archiveName(entry);
  const seconds = floorSeconds(mtime);
  const records = [
    ...(isPlain(name) ? [] : [extendedRecord('path', name)]),
    ...(isPlain(target) ? [] : [extendedRecord('linkpath', target)]),
    ...(uid > LARGEST_ID ? [extendedRecord('uid', uid)] : []),
    ...(gid > LARGEST_ID ? [extendedRecord('gid', gid)] : []),
    ...(size > LARGEST_SIZE ? [extendedRecord('size', size)] : []),
    ...(isWhole(mtime) ? [] : [extendedRecord('mtime', decimalSeconds(mtime))]),
  ];
  const plain = headerBlock(TYPE_FLAGS[type], { name, mode, uid, gid, size, seconds, target });
  if (records.length === 0) return plain;
  const body = Buffer.concat(records);
  const extended = { name: './PaxHeader', mode: 0o644, uid: 0, gid: 0, size: body.length, seconds: 0, target: '' };
  return Buffer.concat([headerBlock(EXTENDED_HEADER, extended), body, paddingOf(body.length), plain]);
}

/** Content is followed by zeros up to the next block. */
export function paddingOf(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

interface Fields {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  seconds: number;
  target: string;
}

/** What does not fit is cut or 0 here, and right in the extended header. */
function headerBlock(typeFlag: string, { name, mode, uid, gid, size, seconds, target }: Fields): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, digits: number) =>
    bytes.write(value.toString(8).padStart(digits, '0'), offset);
  bytes.write(name, 0, LONGEST_NAME);
  octal(mode, 100, 7);
  octal(uid > LARGEST_ID ? 0 : uid, 108, 7);
  octal(gid > LARGEST_ID ? 0 : gid, 116, 7);
  octal(size > LARGEST_SIZE ? 0 : size, 124, 11);
  octal(seconds, 136, 11);
  bytes.write(typeFlag, 156);
  bytes.write(target, 157, LONGEST_NAME);
  bytes.write('ustar\x0000', 257);
  // The sum of all bytes, those of the sum itself taken for blanks.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits too. */
function extendedRecord(key: string, value: string | number): Buffer {
  const text = ` ${key}=${value}\n`;
  const size = Buffer.byteLength(text);
  let length = size + String(size).length;
  if (size + String(length).length > length) length++;
  return Buffer.from(`${length}${text}`);
}

/** ASCII, and short enough for a plain header. */
function isPlain(text: string): boolean {
  return text.length <= LONGEST_NAME && Buffer.byteLength(text) === text.length;
}

/** A time that a plain header holds: whole seconds, from 1970 on. */
function isWhole(mtime: bigint): boolean {
  return mtime >= 0n && mtime % NANOSECONDS === 0n && mtime / NANOSECONDS <= BigInt(LARGEST_SIZE);
}

function floorSeconds(mtime: bigint): number {
  const seconds = Number(mtime / NANOSECONDS);
  return seconds < 0 || seconds > LARGEST_SIZE ? 0 : seconds;
}

/** Seconds with all digits: `1764115200.25`, `-0.5`. */
function decimalSeconds(mtime: bigint): string {
  const [sign, positive] = mtime < 0n ? ['-', -mtime] : ['', mtime];
  const fraction = String(positive % NANOSECONDS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${sign}${positive / NANOSECONDS}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Nanoseconds of what {@link decimalSeconds} writes; null when it is none. */
export function parseDecimal(text: string): bigint | null {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9})\d*)?$/.exec(text) ?? [];
  if (whole === '') return null;
  const nanoseconds = BigInt(whole) * NANOSECONDS + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -nanoseconds : nanoseconds;
}
