import { chain } from './chain.ts';
import { clock } from './clock.ts';
import type { SetFacts } from './facts.ts';
import { freeSpace, type StoreFacts } from './free-space.ts';
import { keys } from './keys.ts';
import { manifests } from './manifests.ts';
import { newestBackup } from './newest-backup.ts';
import { parts } from './parts.ts';
import { recipients } from './recipients.ts';
import { restoreTest } from './restore-test.ts';
import { rows } from './rows.ts';
import type { Outcome, Requirements, Rule } from './rule.ts';
import { size } from './size.ts';

/** What a store must satisfy, and each set in it. A new check is a file beside these and its name here. */
const STORE_RULES: Rule<StoreFacts>[] = [freeSpace];
const SET_RULES: Rule<SetFacts>[] = [
  newestBackup,
  restoreTest,
  size,
  rows,
  manifests,
  parts,
  chain,
  keys,
  recipients,
  clock,
];

export interface Result extends Outcome {
  rule: string;
}

export function judgeStore(facts: StoreFacts, requirements: Requirements, now: Date): Result[] {
  return STORE_RULES.map((rule) => ({ rule: rule.name, ...rule.judge(facts, requirements, now) }));
}

/** Of a set without any backup only that is said: there is nothing to look at. */
export function judgeSet(facts: SetFacts, requirements: Requirements, now: Date): Result[] {
  const rules = facts.newest.length === 0 ? [newestBackup, clock] : SET_RULES;
  return rules.map((rule) => ({ rule: rule.name, ...rule.judge(facts, requirements, now) }));
}
