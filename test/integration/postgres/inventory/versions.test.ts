import { describe, expect, test } from '@jest/globals';
import type { ObjectFacts } from '../../../../src/formats/inventory/inventory.ts';
import { readObjects } from '../../../../src/postgres/inventory/objects.ts';
import {
  copyDatabase,
  createKitchenSink,
  differences,
  inSnapshot,
  readAll,
} from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';
import { localPrograms } from '../../../support/servers/postgres-programs.ts';

/** pg_dump refuses servers newer than itself. */
const newestDumped = localPrograms()?.major ?? 0;
const MAJORS = [13, 14, 16, 17, 18];
const objectsOf = new Map<number, ObjectFacts[]>();

describe.each(MAJORS)('PostgreSQL %i', (major) => {
  test('is read, by every reader', async () => {
    const server = await startPostgres({ major });
    await createKitchenSink(server, 'sink');
    const source = await inSnapshot(server.env('sink'), readAll);

    objectsOf.set(major, source.objects);

    expect(Math.floor(source.server.versionNumber / 10000)).toBe(major);
    expect(source.objects.length).toBeGreaterThan(290);
    expect(source.tables.filter(({ kind, rows }) => kind === 'r' && rows === null)).toEqual([]);
    expect(source.tables).toContainEqual(expect.objectContaining({ schema: 'sink', name: 'plain', rows: '50' }));
    expect(source.sequences.length).toBeGreaterThan(7);
    expect(source.roles.map(({ name }) => name)).toContain('sink_owner');
    expect(source.largeObjects).toMatchObject({ count: '3', bytes: '105007' });
    expect(source.materializedViews).toHaveLength(2);

    if (major <= newestDumped) await compareWithCopy(server, source);
    await seesDropped(server);
    await server.stop('immediate');
  });
});

/** Rights are another matter: PostgreSQL 15 changed those of the schema public, 17 has the new right MAINTAIN. */
test('an object looks the same in every version that has it', () => {
  const [oldest = [], ...newer] = MAJORS.map((major) => objectsOf.get(major) ?? []);
  const plain = (objects: ObjectFacts[]) =>
    objects
      .filter(({ type, identity, flags }) => `${type} ${identity}` !== 'schema public' && !flags.partOf)
      .map((object) => ({ ...object, acl: null }));
  expect(oldest.length).toBeGreaterThan(290);
  for (const objects of newer) {
    const known = new Set(oldest.map(({ type, identity }) => `${type} ${identity}`));
    const same = objects.filter(({ type, identity }) => known.has(`${type} ${identity}`));
    expect(differences(plain(oldest), plain(same))).toEqual([]);
  }
});

async function compareWithCopy(server: PostgresServer, source: Awaited<ReturnType<typeof readAll>>): Promise<void> {
  await server.createDatabase('copy', 'TEMPLATE template0');
  await copyDatabase(server, 'sink', 'copy');
  const { objects, database: _, notRecorded: __, ...copy } = await inSnapshot(server.env('copy'), readAll);
  expect(source).toMatchObject(copy);
  expect(differences(source.objects, objects)).toEqual([]);
}

/** Before PostgreSQL 14 the lookup of an object that another session has dropped is an error. */
async function seesDropped(server: PostgresServer): Promise<void> {
  await server.createDatabase('dropped', 'TEMPLATE template0');
  await server.psql('dropped', "create function gone() returns int language sql as 'select 1'; create schema kept");
  await inSnapshot(server.env('dropped'), async (session) => {
    await session.query('select 1');
    await server.psql('dropped', 'drop function gone()');
    const { objects, notRecorded } = await readObjects(session, server.major * 10_000);
    expect(objects.map(({ identity }) => identity)).toEqual(['plpgsql', 'kept', 'public']);
    expect(notRecorded).toEqual(['Dropped by another session while the backup read them, in pg_proc: 1.']);
  });
}
