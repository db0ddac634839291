import { type SetFacts, validBackups } from './facts.ts';
import { failed, notEvaluated, notRequested, type Outcome, passed, type Rule, warning } from './rule.ts';

/** So long before the end of a key there is a warning. Milliseconds. */
const WARN_BEFORE = 30 * 24 * 60 * 60 * 1000;

/** No key with which backups are made ends within 30 days: the recipients', and the one that signed the newest backup. */
export const keys: Rule<SetFacts> = {
  name: 'keys',
  judge(facts, requirements, now) {
    const { recipients, signers } = requirements;
    if (recipients === null && signers === null) return notRequested('public-key or verification-key');
    const outcomes = (recipients ?? []).map((key) => judgeKey('public-key', key, key.problem, now));
    if (signers !== null) {
      const manifest = validBackups(facts.newest, requirements)[0]?.manifest;
      const signer = manifest?.kind === 'good' ? signers.find(({ keyId }) => keyId === manifest.signer) : undefined;
      outcomes.push(signer === undefined ? NO_SIGNER : judgeKey('signing-key', signer, null, now));
    }
    return mergeOutcomes(outcomes);
  },
};

const NO_SIGNER = notEvaluated(
  ['Which key signs is not known: no backup that counts is signed by one of verification-key.'],
  'See the rules above.',
);

function judgeKey(
  input: 'public-key' | 'signing-key',
  { name, expires }: { name: string; expires: string | null },
  problem: string | null,
  now: Date,
): Outcome {
  const renewed = input === 'public-key' ? input : `${input} and verification-key`;
  const next = `Extend it (gpg --quick-set-expire), export it again and renew it in ${renewed}.`;
  const left = expires === null ? Number.POSITIVE_INFINITY : Date.parse(expires) - now.getTime();
  const day = expires?.slice(0, 10);
  if (problem !== null) return failed([`${input}: ${name} ${problem}`], 'Backups fail until it is corrected.');
  if (left <= 0) return failed([`${input}: ${name} expired on ${day}.`], next);
  if (left < WARN_BEFORE) return warning([`${input}: ${name} expires on ${day}.`], next);
  return passed(`${input}: ${name} ${expires === null ? 'does not expire' : `is good until ${day}`}.`);
}

/** What was found in all of them, under the worst that one of them amounts to. */
function mergeOutcomes(outcomes: Outcome[]): Outcome {
  const order: Outcome['status'][] = ['failed', 'warning', 'not-evaluated', 'passed'];
  const sorted = outcomes.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  const [first = passed()] = sorted;
  return { ...first, found: sorted.flatMap(({ found }) => found) };
}
