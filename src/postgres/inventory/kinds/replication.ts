import { columnNames, type Kind, trueOrNull, wordForLetter } from './kind.ts';

export function publications(version: number): Kind {
  return {
    catalog: 'pg_publication',
    from: 'pg_catalog.pg_publication o',
    owner: 'o.pubowner',
    home: { catalog: 'pg_publication', oid: 'o.oid' },
    flags: {
      allTables: trueOrNull('o.puballtables'),
      insert: trueOrNull('o.pubinsert'),
      update: trueOrNull('o.pubupdate'),
      delete: trueOrNull('o.pubdelete'),
      truncate: trueOrNull('o.pubtruncate'),
      viaRoot: trueOrNull('o.pubviaroot'),
      ...(version >= 180000 ? { generatedColumns: wordForLetter('o.pubgencols', { s: 'stored' }) } : {}),
    },
  };
}

export function publicationTables(version: number): Kind {
  return {
    catalog: 'pg_publication_rel',
    from: 'pg_catalog.pg_publication_rel o join pg_catalog.pg_class c on c.oid = o.prrelid',
    home: { schema: 'c.relnamespace', catalog: 'pg_class', oid: 'c.oid' },
    flags:
      version >= 150000
        ? { columns: columnNames('o.prrelid', 'o.prattrs'), filtered: trueOrNull('o.prqual is not null') }
        : {},
  };
}

/** Since PostgreSQL 15. */
export const publicationSchemas: Kind = {
  catalog: 'pg_publication_namespace',
  from: 'pg_catalog.pg_publication_namespace o',
  home: { schema: 'o.pnnspid', catalog: 'pg_namespace', oid: 'o.pnnspid' },
  flags: {},
};

/** Name and owner: how a subscription connects is a secret. */
export const subscriptions: Kind = {
  catalog: 'pg_subscription',
  from: 'pg_catalog.pg_subscription o',
  where: 'o.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())',
  owner: 'o.subowner',
  flags: {},
};
