import type { Prose } from './prose.ts';
import type { Random } from './random.ts';

/** What the visitors of a shop send over and over. */
export interface Site {
  pages: string[];
  referrers: string[];
  /** As in the header of that name. */
  userAgents: string[];
}

export function newSite(random: Random, prose: Prose): Site {
  const list = (length: number, make: (index: number) => string) => Array.from({ length }, (_, index) => make(index));
  return {
    pages: list(
      8_000,
      (index) => `/${prose.word()}/${prose.phrase(random.integer(1, 4)).replaceAll(' ', '-')}-${index}`,
    ),
    referrers: list(300, () => `https://${prose.word()}.example/${prose.word()}`),
    userAgents: list(300, () => userAgent(random)),
  };
}

const SYSTEMS = [
  'Windows NT 10.0; Win64; x64',
  'Macintosh; Intel Mac OS X 10_15_7',
  'X11; Linux x86_64',
  'Linux; Android 16; Pixel 10',
  'iPhone; CPU iPhone OS 26_1 like Mac OS X',
];

function userAgent(random: Random): string {
  const version = random.integer(118, 142);
  const engines = [
    `AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.${random.integer(5_000, 7_400)}.${random.integer(10, 200)} Safari/537.36`,
    `Gecko/20100101 Firefox/${version}.0`,
    `AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${random.integer(16, 26)}.${random.integer(0, 6)} Safari/605.1.15`,
  ];
  return `Mozilla/5.0 (${random.pick(SYSTEMS)}) ${random.pick(engines)}`;
}
