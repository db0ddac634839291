import { messageOf } from '../errors.ts';

/** What went wrong, as a server or a program said it: text from outside, for the middle of a sentence. */
export function reasonOf(error: unknown): string {
  return messageOf(error)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 500)
    .replace(/[.\s]+$/, '');
}
