import type { Line } from './new-lines.ts';

/** What this project does not write, and what it writes instead. */
interface Word {
  /** Matches a word in prose, and in a name when its words are separated: `carryOut` is matched as `carry Out`. */
  pattern: RegExp;
  better: string;
}

/** A use of a word that is right. */
interface Exception {
  phrase: RegExp;
  reason: string;
}

/** Only what has next to no other meaning stands here: a check that cries wolf is switched off. */
const WORDS: Word[] = [
  { pattern: /\bmend(?:s|ed|ing)?\b/i, better: 'fix, correct' },
  { pattern: /(?<!\bon[ -])\bdemand(?:s|ed|ing)?\b/i, better: 'require' },
  { pattern: /\btold\b/i, better: 'report, notify, warn or log, with its subject' },
  { pattern: /\bcarr(?:y|ies|ied|ying) out\b/i, better: 'run' },
  {
    pattern: /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|fewer\b|later\b)/i,
    better: 'is not a, is not',
  },
  { pattern: /\b(?:not|be) there\b/i, better: 'exist, does not exist, not found' },
  { pattern: /\b(?:that|what|which) (?:is|are|was|were) there\b/i, better: 'exist, existing' },
  { pattern: /\bdoomed\b/i, better: 'candidates, to be deleted' },
  { pattern: /\bpapers\b/i, better: 'sidecar files' },
  { pattern: /\bpurse\b/i, better: 'the plain noun' },
  { pattern: /\bg(?:ive|ives|iven|iving|ave) up\b/i, better: 'skip, stop using, stop retrying' },
  { pattern: /\bg(?:ive|ives|iven|iving|ave) way\b/i, better: 'back off, yield the lock' },
  { pattern: /\bhand(?:s|ed|ing)? (?:out|over)\b/i, better: 'pass, expose, publish' },
  { pattern: /\blook(?:s|ed|ing)? whether\b/i, better: 'check whether' },
  { pattern: /\bwhat belongs to\b/i, better: 'its ...' },
  { pattern: /\bin (?:haste|short|vain)\b/i, better: 'the plain statement' },
  { pattern: /\ball the same\b/i, better: 'still' },
  { pattern: /\bas a rule\b/i, better: 'usually' },
  { pattern: /\bbesides\b/i, better: 'also' },
  { pattern: /\b(?:nobody|somebody|whoever)\b/i, better: 'the actor: an attacker, the application, a reader' },
  { pattern: /\bwrong use\b/i, better: 'usage error' },
  { pattern: /\binside of\b/i, better: 'in' },
  { pattern: /, for (?:it|they|there|nothing|none)\b/i, better: 'because' },
  { pattern: /\u2019/, better: "the ASCII apostrophe, '" },
  ...renamed({
    Surroundings: 'RunContext',
    Outlet: 'Reporter',
    Ending: 'RunResult',
    Telling: 'Notifier',
    Beat: 'Ping',
    Inside: 'ContainerProcess',
    GiveWay: 'LockConflict',
    PATIENCE: 'TIMEOUTS',
    thoseThatCount: 'validBackups',
    sideBySide: 'mapConcurrent',
    KeepingStore: 'CachingStore',
    MadeDatabase: 'CreatedDatabase',
  }),
];

const EXCEPTIONS: Exception[] = [
  { phrase: /\bnobody:|\buser `?nobody\b/g, reason: 'the account of that name' },
  {
    phrase: /\bdemands(?=[.,:;)}])/g,
    reason: "the field of check's settings, until it is renamed",
  },
];

/** What is wrong with these lines, one text for each word: where it is, the word, and what to write instead. */
export function wordProblems(lines: Line[]): string[] {
  return lines.flatMap(({ file, number, text }) =>
    findWords(withoutExceptions(text)).map(({ found, better }) => `${file}:${number} "${found}": write ${better}`),
  );
}

function findWords(text: string): { found: string; better: string }[] {
  const words = separateWords(text);
  return WORDS.flatMap(({ pattern, better }) => {
    const [found] = pattern.exec(words) ?? [];
    if (found === undefined) return [];
    return [{ found: text.includes(found) ? found : joinWords(found), better }];
  });
}

function withoutExceptions(text: string): string {
  return EXCEPTIONS.reduce((rest, { phrase }) => rest.replace(phrase, ''), text);
}

/** Its declaration alone: a name that is not declared cannot be used, and words like "inside" are good in prose. */
function renamed(names: Record<string, string>): Word[] {
  return Object.entries(names).map(([name, better]) => ({
    pattern: new RegExp(`\\b(?:class|const|enum|function|interface|let|type) ${separateWords(name)}\\b`),
    better,
  }));
}

function separateWords(text: string): string {
  return text.replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
}

function joinWords(text: string): string {
  return text.replace(/(?<=[a-z]) (?=[A-Z])/g, '');
}
