import type { SequenceFacts, SequenceValue } from '../../formats/inventory/inventory.ts';
import { placeOf } from '../../formats/inventory/sequence.ts';
import { decodeListing } from '../archive/contents.ts';
import type { SequenceSet } from '../archive/head.ts';
import { labelOf } from './errors.ts';
import { knownValue, type Sequence, type SequenceReadings } from './sequences.ts';

/** What pg_dump's archive says about sequences. */
export interface ArchivedSequences {
  sets: SequenceSet[];
  /** The encoding of the source's database, in which the archive has names. */
  encoding: string;
  /** The oids of relations whose definition is in it. */
  definitions: Set<number>;
  /** The arguments of pg_dump chose what is in it. */
  partial: boolean;
}

/**
 * The two values between which pg_dump read each sequence. Where a reading does not know the value, it is the value that
 * pg_dump wrote. Where that is not known either, every value of the sequence lies between, and `notRecorded` says so.
 */
export function sequenceFacts(
  sequences: Sequence[],
  readings: { before: SequenceReadings; after: SequenceReadings },
  archive: ArchivedSequences,
): { sequences: SequenceFacts[]; notRecorded: string[] } {
  const values = readSequenceSets(archive.sets, archive.encoding);
  const known = sequences.map((sequence) => {
    const written = values.get(labelOf(sequence)) ?? null;
    const defined = archive.definitions.has(sequence.oid);
    // --exclude-table-data leaves out the values of sequences too.
    const leftOut = written === null && defined && archive.partial;
    return { sequence, defined, range: leftOut ? null : knownRange(sequence, readings, written) };
  });
  return {
    sequences: known.map(({ sequence, range }) => {
      const { schema, name, increment, cycle } = sequence;
      return { schema, name, increment, cycle, ...(range ?? anyValue(sequence)) };
    }),
    notRecorded: known
      .filter(({ defined, range }) => defined && range === null)
      .map(({ sequence }) => `Value of sequence ${labelOf(sequence)}: the dump does not set it.`),
  };
}

type Range = Pick<SequenceFacts, 'before' | 'after'>;

function knownRange(
  { oid, increment, cycle }: Sequence,
  readings: { before: SequenceReadings; after: SequenceReadings },
  written: SequenceValue | null,
): Range | null {
  const before = knownValue(readings.before.get(oid)) ?? written;
  const after = knownValue(readings.after.get(oid)) ?? written;
  if (before === null || after === null) return null;
  const wasSetBack = !cycle && placeOf(after, increment) < placeOf(before, increment);
  // It can have counted on before it was set back: then pg_dump read a value that lies outside of both.
  return wasSetBack && written !== null ? { before: written, after: written } : { before, after };
}

function anyValue({ increment, min, max }: Sequence): Range {
  const [first, last] = increment.startsWith('-') ? [max, min] : [min, max];
  return { before: { lastValue: first, isCalled: false }, after: { lastValue: last, isCalled: true } };
}

/** dumpSequenceData in pg_dump.c. Whatever a name holds, the value stands behind it. */
const SET_VALUE = /^SELECT pg_catalog\.setval\('.*', (0|-?[1-9]\d{0,18}), (true|false)\);\n$/s;

/** The values that pg_dump wrote, by {@link labelOf}. What is not exactly as pg_dump writes it is left out. */
export function readSequenceSets(sets: SequenceSet[], encoding: string): Map<string, SequenceValue> {
  const values = new Map<string, SequenceValue>();
  const ambiguous = new Set<string>();
  for (const { schema, name, statement } of sets) {
    const key = labelOf({ schema: decodeListing(schema, encoding), name: decodeListing(name, encoding) });
    const [, lastValue, isCalled] = SET_VALUE.exec(statement.toString('latin1')) ?? [];
    // In an encoding that is not known here, two names can decode to the same text.
    if (values.has(key)) ambiguous.add(key);
    if (lastValue !== undefined) values.set(key, { lastValue, isCalled: isCalled === 'true' });
  }
  for (const key of ambiguous) values.delete(key);
  return values;
}
