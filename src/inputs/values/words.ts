import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';

/** The words that YAML's core schema takes for a boolean, as @actions/core reads them. */
export function parseBoolean(text: string): boolean {
  if (['true', 'True', 'TRUE'].includes(text)) return true;
  if (['false', 'False', 'FALSE'].includes(text)) return false;
  throw new LifeboatError(`${quote(text)} is neither true nor false. Write one of these two words.`);
}

/** One of some words, written exactly so. */
export function oneOf<T extends string>(...words: T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new LifeboatError(`${quote(text)} is not known. Write ${joinWithOr(words)}.`);
    return word;
  };
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new LifeboatError(`${quote(text)} is not a whole number from ${least} to ${most}. Write one of these.`);
    }
    return number;
  };
}

/** `a, b or c` */
export function joinWithOr(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
