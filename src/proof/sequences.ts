import type { Inventory, RestoredState, SequenceFacts, SequenceValue } from '../formats/inventory/inventory.ts';
import { nameOf } from '../formats/inventory/relation.ts';
import { placeOf } from '../formats/inventory/sequence.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, emptyComparison, missingFinding } from './circumstances.ts';

/** Sequences are not transactional: what was dumped lies between the values before and after the dump. */
export function compareSequences(expected: Inventory, restored: RestoredState, circumstances: Circumstances): Compared {
  const found = new Map(restored.sequences.map((sequence) => [nameOf(sequence), sequence]));
  const result = emptyComparison();
  let compared = 0;
  for (const sequence of expected.sequences) {
    const copy = found.get(nameOf(sequence));
    if (!copy?.current) {
      // Which sequences a partial backup holds, its inventory does not say.
      if (circumstances.partial === null)
        result.findings.push(missingFinding('sequence', nameOf(sequence), circumstances));
      continue;
    }
    compared++;
    if (isWithin(sequence, copy.current)) continue;
    result.findings.push({
      severity: 'failed',
      kind: 'sequence',
      object: nameOf(sequence),
      message: `Its value was ${describeValue(sequence.before)} before the dump and ${describeValue(sequence.after)} after it; restored was ${describeValue(copy.current)}.`,
    });
  }
  const known = new Set(expected.sequences.map(nameOf));
  for (const copy of restored.sequences) {
    if (known.has(nameOf(copy))) continue;
    const message = 'It is in the restored database, but was not in the source.';
    result.findings.push({ severity: 'failed', kind: 'sequence', object: nameOf(copy), message });
  }
  result.verified.push(`${countOf(compared, 'sequence')}: values`);
  return result;
}

function isWithin({ increment, cycle, before, after }: SequenceFacts, value: SequenceValue): boolean {
  const [first, last, at] = [placeOf(before, increment), placeOf(after, increment), placeOf(value, increment)];
  if (first <= last) return first <= at && at <= last;
  // It began again from its other end, or was set back, while the dump ran: what is in between is not known.
  return cycle ? at >= first || at <= last : last <= at && at <= first;
}

function describeValue({ lastValue, isCalled }: SequenceValue): string {
  return isCalled ? lastValue : `${lastValue} (not yet used)`;
}
