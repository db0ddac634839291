import type { Random } from './random.ts';

const SYLLABLES =
  'a an ar be ber ca con da de den e el en er fa fi ga ge gen ha i in ing ka la len li lo ma men mi na ne no o on or pa per po ra re ri sa se sen si so ta te ter ti to tra u un ver vi wa we zu'.split(
    ' ',
  );

/** Text that compresses as language does: some words are frequent, most are rare. */
export class Prose {
  private readonly random: Random;
  private readonly words: string[];

  constructor(random: Random) {
    this.random = random;
    this.words = Array.from({ length: 8_000 }, (_, rank) => this.newWord(rank));
  }

  word(): string {
    return this.random.often(this.words);
  }

  phrase(words: number): string {
    return Array.from({ length: words }, () => this.word()).join(' ');
  }

  /** Sentences of 5 to 20 words, now and then a new paragraph. */
  text(words: number): string {
    const sentences: string[] = [];
    for (let left = words; left > 0; ) {
      const length = Math.min(left, this.random.integer(5, 20));
      const sentence = this.phrase(length);
      const end = this.random.chance(0.15) ? '.\n\n' : this.random.chance(0.1) ? '? ' : '. ';
      sentences.push(sentence.charAt(0).toUpperCase() + sentence.slice(1) + end);
      left -= length;
    }
    return sentences.join('').trimEnd();
  }

  /** Frequent words are short. */
  private newWord(rank: number): string {
    const syllables = rank < 60 ? 1 : this.random.integer(2, rank < 1_000 ? 3 : 5);
    return Array.from({ length: syllables }, () => this.random.pick(SYLLABLES)).join('');
  }
}
