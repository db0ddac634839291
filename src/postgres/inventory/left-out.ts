import type { Session } from '../session/session.ts';
import { joinExtension } from '../snapshot/extension-owner.ts';
import { labelOf } from './errors.ts';
import { withFixedSettings } from './savepoint.ts';

/** What pg_dump leaves out without a word, in words: a restore does not bring it back. */
export async function readLeftOut(session: Session): Promise<string[]> {
  return withFixedSettings(session, 'the definitions', async () => [
    ...(await readInvalidIndexes(session)),
    ...(await readUnloggedSequences(session)),
    ...(await readExtensionSequences(session)),
    ...(await readSubscriptions(session)),
  ]);
}

/** What a failed CREATE INDEX CONCURRENTLY leaves (getIndexes in pg_dump.c). */
async function readInvalidIndexes(session: Session): Promise<string[]> {
  const indexes = await session.query<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'i' and not (i.indisvalid and i.indisready) and n.nspname !~ '^pg_'
    order by n.nspname, c.relname`);
  return indexes.map((index) => `Index ${labelOf(index)} is invalid; pg_dump leaves it out. REINDEX it or drop it.`);
}

async function readUnloggedSequences(session: Session): Promise<string[]> {
  const sequences = await session.query<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()
    order by n.nspname, c.relname`);
  return sequences.map(
    (sequence) => `Sequence ${labelOf(sequence)} is unlogged: its value cannot be read on a standby.`,
  );
}

/** Those that belong to an extension, which has not marked them (pg_extension_config_dump): their values are in no dump. */
async function readExtensionSequences(session: Session): Promise<string[]> {
  const sequences = await session.query<{ schema: string; name: string; extension: string }>(`
    select n.nspname as schema, c.relname as name, e.extname as extension
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    ${joinExtension('join')}
    where c.relkind = 'S' and (e.extconfig is null or c.oid <> all (e.extconfig))
    order by n.nspname, c.relname`);
  return sequences.map(
    ({ extension, ...sequence }) =>
      `Value of sequence ${labelOf(sequence)}: pg_dump leaves it out, because the sequence belongs to extension ${JSON.stringify(extension)}.`,
  );
}

/** getSubscriptions in pg_dump.c. Their names may be read by everyone. */
async function readSubscriptions(session: Session): Promise<string[]> {
  const subscriptions = await session.query<{ name: string }>(`
    select s.subname as name
    from pg_catalog.pg_subscription s
    join pg_catalog.pg_database d on d.oid = s.subdbid
    where d.datname = pg_catalog.current_database() and pg_catalog.current_setting('is_superuser') <> 'on'
    order by s.subname`);
  return subscriptions.map(
    ({ name }) => `Subscription ${JSON.stringify(name)}: pg_dump leaves it out when the role is no superuser.`,
  );
}
