import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../support/action/action-definition.ts';

/**
 * SQL that makes a schema `evil` in which everything of pg_catalog that Lifeboat's SQL names has a double: functions,
 * aggregates, operators, relations, types. Each writes a line `EVIL` to the server's log when it is used.
 */
export function shadowSchema(): string {
  const words = [...wordsOfSource()].map((word) => `'${word}'`).join(', ');
  return `
    create schema evil;
    grant usage on schema evil to public;
    create function evil.note(what text) returns bool volatile language plpgsql as $note$
      begin raise log 'EVIL % as %', what, current_user; return true; end $note$;
    create function evil.step(int8) returns int8 language plpgsql as $$
      begin perform evil.note('count(*)'); return $1 + 1; end $$;
    create aggregate evil.count(*) (sfunc = evil.step, stype = int8, initcond = '0');
    ${FUNCTIONS.replace('WORDS', words)}
    ${OPERATORS}
    ${RELATIONS.replace('WORDS', words)}
    ${TYPES}`;
}

/** Every word in the code that holds SQL: more than the names in it, and so all of them. */
function wordsOfSource(): Set<string> {
  const folder = join(REPOSITORY, 'src', 'postgres');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  return new Set(text.match(/\b[a-z_][a-z0-9_]*\b/g));
}

/** What cannot be doubled, such as functions of internal types, is left out. */
const each = (query: string, statement: string) => `
  do $do$
  declare d record;
  begin
    for d in ${query} loop
      begin execute ${statement}; exception when others then null; end;
    end loop;
  end $do$;`;

const FUNCTIONS = each(
  `select p.proname, array_to_string(p.proargtypes::oid[]::regtype[], ', ') as args, p.prorettype::regtype::text as returns,
      p.proretset, p.oid::regprocedure::text as signature
    from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a', 'w') and p.proname in (WORDS)`,
  `format('create function evil.%I(%s) returns %s %s language plpgsql as $f$
      begin perform evil.note(%L); %s end $f$', d.proname, d.args, case when d.proretset then 'setof' end,
      case when d.proretset and d.returns = 'record' then 'record' else d.returns end, d.signature,
      case when d.proretset then 'return;' else 'return null;' end)`,
);

/** Those of names and letters too, which pg_catalog has as those of text. */
const OPERATORS = each(
  `select o.oprname, format_type(o.oprleft, null) as l, format_type(o.oprright, null) as r,
      format_type(o.oprresult, null) as result, row_number() over () as number
    from (
      select oprname, oprleft, oprright, oprresult from pg_operator
      where oprnamespace = 'pg_catalog'::regnamespace and oprkind = 'b'
        and oprname in ('=', '<>', '<', '>', '<=', '>=', '||', '~', '!~', '~~', '!~~', '+', '-', '*', '/', '&', '->', '->>')
        and (oprleft::regtype::text = any (array['text', 'name', '"char"', 'oid', 'integer', 'bigint', 'boolean',
          'smallint', 'numeric', 'anyelement', 'anyarray', 'record', 'regclass', 'anynonarray', 'anycompatiblearray']))
      union all select op, t::regtype, t::regtype, 'bool'::regtype
      from unnest(array['=', '<>', '~', '!~', '~~', '!~~']) op, unnest(array['name', '"char"', 'regclass', 'regnamespace']) t
    ) o`,
  `format('create function evil.%I(%s, %s) returns %s language plpgsql as $f$
      begin perform evil.note(%L); return null; end $f$;
    create operator evil.%s (leftarg = %2$s, rightarg = %3$s, function = evil.%1$I)', 'op' || d.number, d.l, d.r, d.result,
    'operator ' || d.oprname || ' of ' || d.l || ', ' || d.r, d.oprname)`,
);

const RELATIONS = each(
  `select c.relname from pg_class c where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
      and c.relname in (WORDS)`,
  `format('create view evil.%I as select * from pg_catalog.%1$I where evil.note(%1$L)', d.relname)`,
);

const TYPES = each(
  `select unnest(array['text', 'int4', 'int8', 'int2', 'oid', 'name', 'bool', 'bytea', 'json', 'numeric', 'regclass',
      'regtype', 'regcollation', 'regoperator', 'regprocedure', 'regnamespace', 'aclitem', 'char']) as typname`,
  `format('create domain evil.%I as pg_catalog.%1$I check (evil.note(%L))', d.typname, 'type ' || d.typname)`,
);
