import type { SequenceFacts, SequenceValue } from './inventory.ts';

/**
 * The place of a value along the direction in which its sequence counts: twice the value, and one more when `nextval`
 * has returned it.
 */
export function placeOf({ lastValue, isCalled }: SequenceValue, increment: SequenceFacts['increment']): bigint {
  const along = increment.startsWith('-') ? -BigInt(lastValue) : BigInt(lastValue);
  return along * 2n + (isCalled ? 1n : 0n);
}
