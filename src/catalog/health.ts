import { chain } from './health/chain.ts';
import { clock } from './health/clock.ts';
import type { SetFacts } from './health/facts.ts';
import { freeSpace, type StoreFacts } from './health/free-space.ts';
import { keys } from './health/keys.ts';
import { manifests } from './health/manifests.ts';
import { newestBackup } from './health/newest-backup.ts';
import { parts } from './health/parts.ts';
import { recipients } from './health/recipients.ts';
import { restoreTest } from './health/restore-test.ts';
import { rows } from './health/rows.ts';
import type { Demands, Outcome, Rule } from './health/rule.ts';
import { size } from './health/size.ts';

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

export function judgeStore(facts: StoreFacts, demands: Demands, now: Date): Result[] {
  return STORE_RULES.map((rule) => ({ rule: rule.name, ...rule.judge(facts, demands, now) }));
}

/** Of a set without any backup only that is said: there is nothing to look at. */
export function judgeSet(facts: SetFacts, demands: Demands, now: Date): Result[] {
  const rules = facts.newest.length === 0 ? [newestBackup, clock] : SET_RULES;
  return rules.map((rule) => ({ rule: rule.name, ...rule.judge(facts, demands, now) }));
}
