import type { Finding } from '../formats/restore-test/finding.ts';
import type { Verdict } from '../formats/restore-test/record.ts';

/** `proven` needs that nothing is left to say; what differs weighs more than what could not be looked at. */
export function verdictOf(findings: Finding[]): Verdict {
  if (findings.some(({ severity }) => severity === 'failed')) return 'failed';
  return findings.length > 0 ? 'could-not-verify' : 'proven';
}

/** How near to the data a kind is: lost rows matter more than a lost comment. */
const HEAVY = [
  'manifest',
  'key',
  'part',
  'database',
  'extension',
  'table',
  'table data',
  'large objects',
  'file tree',
  'file reference',
  'sequence',
  'assertion',
];
/** It names no object, and differs whenever one that is named does. */
const LAST = 'definitions';

/** Worst first; within one kind by name. */
export function worstFirst(findings: Finding[]): Finding[] {
  const weight = ({ kind }: Finding) => {
    if (kind === LAST) return HEAVY.length + 1;
    return HEAVY.includes(kind) ? HEAVY.indexOf(kind) : HEAVY.length;
  };
  const severity = (finding: Finding) => (finding.severity === 'failed' ? 0 : 1);
  return [...findings].sort(
    (a, b) => severity(a) - severity(b) || weight(a) - weight(b) || a.object.localeCompare(b.object),
  );
}
