import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';

const BYTES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `500MB`, `2GiB` in bytes. */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})(B|[kKMGT]B|[KMGT]iB)$/.exec(text) ?? [];
  const bytes = BYTES[unit];
  if (bytes === undefined) {
    throw new LifeboatError(
      `${quote(text)} is not a size. Write a whole number and a unit (kB, MB, GB, TB, or KiB, MiB, GiB, TiB) without a space, such as 500MB or 2GiB.`,
    );
  }
  return Number(number) * bytes;
}

/** `40%` as 40. Less than the whole: what may lose all of it is not watched. */
export function parsePercent(text: string): number {
  const [, number] = /^(\d{1,2})%$/.exec(text) ?? [];
  if (number === undefined) {
    throw new LifeboatError(`${quote(text)} is not a share. Write a whole number from 0 to 99 and %, such as 40%.`);
  }
  return Number(number);
}
