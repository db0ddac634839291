import { makeId } from '../../../src/formats/id.ts';
import { type MadeBackup, makeBackup, makeRecord } from './made-backup.ts';

const HOUR = 60 * 60 * 1000;

/** The objects of each of these backups: schema, data, inventory, manifest, and the record of a restore test. */
export const OBJECTS_OF_BACKUP = 5;

/** So many backups of the set `shop`, an hour apart, each restore-tested half an hour later; the oldest first, key by key. */
export function* history(count: number): Generator<{ key: string; bytes: Buffer }> {
  let previous: MadeBackup | null = null;
  for (let age = count; age > 0; age--) {
    const begun = new Date(Date.now() - age * HOUR);
    previous = makeBackup(makeId(begun, '0a1b2c3d'), { previous, size: 1000 });
    for (const [key, bytes] of previous.files) yield { key, bytes };
    yield makeRecord(previous, 'proven', new Date(begun.getTime() + HOUR / 2));
  }
}
