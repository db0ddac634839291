import { readFileSync } from 'node:fs';
import { lexer, type Token, type Tokens, walkTokens } from 'marked';

/** What is looked at in a Markdown page. Lines count from 1. */
export interface Page {
  /** Absolute. */
  path: string;
  links: { href: string; line: number }[];
  /** What GitHub makes of its headings, without the `#`. */
  anchors: Set<string>;
  snippets: Snippet[];
}

/** A fenced block of code; `line` is that of its first line of code. */
export interface Snippet {
  language: string;
  text: string;
  line: number;
}

export interface Problem {
  line: number;
  message: string;
}

export function readPage(path: string): Page {
  const text = readFileSync(path, 'utf8');
  const page: Page = { path, links: [], anchors: new Set(), snippets: [] };
  const lineOf = lineFinder(text);
  // What it returns are the promises of callbacks, and this one makes none.
  void walkTokens(lexer(text), (token) => {
    switch (token.type) {
      case 'heading':
        page.anchors.add(anchorOf(plainText(token.tokens ?? []), page.anchors));
        break;
      case 'link':
      case 'image':
        page.links.push({ href: token.href, line: lineOf(`](${token.href}`) });
        break;
      case 'code': {
        const { lang, text } = token as Tokens.Code;
        page.snippets.push({ language: lang ?? '', text, line: lineOf(text.split('\n')[0] ?? '') });
      }
    }
  });
  return page;
}

/** Tokens know their text, not their place: it is looked for, each time from where the one before was found. */
function lineFinder(text: string): (needle: string) => number {
  let place = 0;
  return (needle) => {
    place = Math.max(place, text.indexOf(needle, place));
    const line = text.slice(0, place).split('\n').length;
    place += needle.length;
    return line;
  };
}

function plainText(tokens: Token[]): string {
  return tokens.map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : token.raw)).join('');
}

/** Small letters, hyphens for blanks, nothing of punctuation; a number when a heading is there twice. */
function anchorOf(heading: string, taken: Set<string>): string {
  const anchor = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
  if (!taken.has(anchor)) return anchor;
  let count = 1;
  while (taken.has(`${anchor}-${count}`)) count++;
  return `${anchor}-${count}`;
}
