import { jsonList, type Kind, nameOfOid, withoutQuotes } from './kind.ts';

export const textSearchConfigurations: Kind = {
  catalog: 'pg_ts_config',
  from: 'pg_catalog.pg_ts_config o',
  owner: 'o.cfgowner',
  home: { schema: 'o.cfgnamespace', catalog: 'pg_ts_config', oid: 'o.oid' },
  flags: {
    parser: `(
      select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.prsname)
      from pg_catalog.pg_ts_parser p join pg_catalog.pg_namespace n on n.oid = p.prsnamespace where p.oid = o.cfgparser)`,
    mappings: jsonList(`
      select t.alias || '=' || pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::pg_catalog.text, ', ' order by m.mapseqno)
      from pg_catalog.pg_ts_config_map m
      join pg_catalog.ts_token_type(o.cfgparser) t on t.tokid = m.maptokentype
      where m.mapcfg = o.oid group by t.alias order by t.alias collate pg_catalog."C"`),
  },
};

export const textSearchDictionaries: Kind = {
  catalog: 'pg_ts_dict',
  from: 'pg_catalog.pg_ts_dict o',
  owner: 'o.dictowner',
  home: { schema: 'o.dictnamespace', catalog: 'pg_ts_dict', oid: 'o.oid' },
  flags: {
    template: `(
      select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.tmplname)
      from pg_catalog.pg_ts_template t join pg_catalog.pg_namespace n on n.oid = t.tmplnamespace where t.oid = o.dicttemplate)`,
    options: withoutQuotes('o.dictinitoption'),
  },
};

export const textSearchParsers: Kind = {
  catalog: 'pg_ts_parser',
  from: 'pg_catalog.pg_ts_parser o',
  home: { schema: 'o.prsnamespace', catalog: 'pg_ts_parser', oid: 'o.oid' },
  flags: {
    start: nameOfOid('o.prsstart', 'regprocedure'),
    token: nameOfOid('o.prstoken', 'regprocedure'),
    end: nameOfOid('o.prsend', 'regprocedure'),
    types: nameOfOid('o.prslextype', 'regprocedure'),
    headline: nameOfOid('o.prsheadline', 'regprocedure'),
  },
};

export const textSearchTemplates: Kind = {
  catalog: 'pg_ts_template',
  from: 'pg_catalog.pg_ts_template o',
  home: { schema: 'o.tmplnamespace', catalog: 'pg_ts_template', oid: 'o.oid' },
  flags: { init: nameOfOid('o.tmplinit', 'regprocedure'), lexize: nameOfOid('o.tmpllexize', 'regprocedure') },
};
