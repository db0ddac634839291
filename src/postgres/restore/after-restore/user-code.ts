import { quoteIdentifier, type Session } from '../../session/session.ts';

/** When a trigger, a rule or an event trigger fires (PostgreSQL, pg_trigger.tgenabled): origin, replica, always, disabled. */
type FiringState = 'O' | 'R' | 'A' | 'D';

/** A trigger, a rule or an event trigger that the source's users defined. */
interface UserCode {
  kind: 'trigger' | 'rule' | 'event trigger';
  /** Of the object itself: a name may be given to another one. */
  oid: string;
  /** The table; null for an event trigger. */
  schema: string | null;
  table: string | null;
  name: string;
  state: FiringState;
}

const ENABLE: Record<FiringState, string> = {
  O: 'enable',
  R: 'enable replica',
  A: 'enable always',
  D: 'disable',
};

/**
 * Triggers of constraints are PostgreSQL's own, and stay: foreign keys, and unique keys that are checked late. `tgisinternal`
 * does not tell them apart: up to PostgreSQL 14 it is also true of a user's trigger that a partition has from its parent.
 * Triggers and rules of views cannot be disabled (ALTER TABLE), and fire only for who writes to the view.
 */
const LIST = `
  select 'trigger' as kind, trigger.oid::pg_catalog.text as oid, namespace.nspname as schema, class.relname as table,
    trigger.tgname as name, trigger.tgenabled::pg_catalog.text as state
  from pg_catalog.pg_trigger trigger
    join pg_catalog.pg_class class on class.oid = trigger.tgrelid
    join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
    left join pg_catalog.pg_constraint constraint_of on constraint_of.oid = trigger.tgconstraint
  where class.relkind in ('r', 'p', 'f') and (trigger.tgconstraint = 0 or constraint_of.contype = 't')
  union all
  select 'rule', rule.oid::pg_catalog.text, namespace.nspname, class.relname, rule.rulename, rule.ev_enabled::pg_catalog.text
  from pg_catalog.pg_rewrite rule
    join pg_catalog.pg_class class on class.oid = rule.ev_class
    join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
  where class.relkind in ('r', 'p')
  union all
  select 'event trigger', oid::pg_catalog.text, null, null, evtname, evtenabled::pg_catalog.text from pg_catalog.pg_event_trigger`;

/** Keeps all of it from firing, whatever session_replication_role says. Resolves with what was there, and when it fired. */
export async function disableUserCode(session: Session): Promise<UserCode[]> {
  const before = await session.query<UserCode>(LIST);
  await setStates(
    session,
    before.filter(({ state }) => state !== 'D').map((code) => ({ ...code, state: 'D' })),
  );
  return before;
}

/** Gives each its state of before. What was dropped meanwhile is gone, and what was created meanwhile is left alone. */
export async function restoreUserCode(session: Session, before: UserCode[]): Promise<void> {
  const states = new Map(before.map(({ kind, oid, state }) => [`${kind} ${oid}`, state]));
  const now = await session.query<UserCode>(LIST);
  const changed = now.flatMap((code) => {
    const state = states.get(`${code.kind} ${code.oid}`) ?? code.state;
    return state === code.state ? [] : [{ ...code, state }];
  });
  await setStates(session, changed);
}

/** Event triggers are disabled first and enabled last: they fire for ALTER TABLE, and not for their own commands. */
async function setStates(session: Session, codes: UserCode[]): Promise<void> {
  const disabled = codes.filter(({ state }) => state === 'D');
  const enabled = codes.filter(({ state }) => state !== 'D');
  const onTables = ({ schema }: UserCode) => schema !== null;
  const events = ({ schema }: UserCode) => schema === null;
  const ordered = [
    ...disabled.filter(events),
    ...disabled.filter(onTables),
    ...enabled.filter(onTables),
    ...enabled.filter(events),
  ];
  await session.run('begin');
  for (const code of ordered) await session.run(statementFor(code));
  await session.run('commit');
}

/** ONLY: a partition's trigger has a state of its own. */
function statementFor({ kind, schema, table, name, state }: UserCode): string {
  if (schema === null || table === null) return `alter event trigger ${quoteIdentifier(name)} ${ENABLE[state]}`;
  const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  return `alter table only ${relation} ${ENABLE[state]} ${kind} ${quoteIdentifier(name)}`;
}
