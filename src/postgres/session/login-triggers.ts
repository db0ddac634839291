import type { Session } from './session.ts';

/**
 * A line for each login event trigger of the database (PostgreSQL 17, CREATE EVENT TRIGGER): its function, whoever owns
 * that, runs in every connection before Lifeboat can say that it should not. It may write.
 */
export async function readLoginTriggers(session: Session): Promise<string[]> {
  if (session.versionNumber < 170_000) return [];
  const triggers = await session.query<{ name: string; function: string }>(`
    select evtname as name, evtfoid::pg_catalog.regprocedure::pg_catalog.text as function
    from pg_catalog.pg_event_trigger where evtevent = 'login' and evtenabled not in ('D', 'R') order by evtname`);
  return triggers.map(
    ({ name, function: called }) =>
      `Login event trigger ${JSON.stringify(name)} ran ${called} when this run connected. If that function writes, every backup writes to the database. Let it pass sessions whose application_name begins with lifeboat-, or disable the trigger.`,
  );
}
