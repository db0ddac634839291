import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { Server } from '../session/connection.ts';
import { Session } from '../session/session.ts';
import { tryStatement } from './roles.ts';

/**
 * Removes from a new database what every new one has and the source had dropped: pg_dump does not write that something of
 * template0 is missing (pg_dump, Notes). Returns in words what the server refused.
 */
export async function removeTemplateObjects(server: Server, inventory: Inventory): Promise<string[]> {
  const statements = dropStatements(inventory);
  if (statements.length === 0) return [];
  const session = await Session.open(server, 'admin');
  try {
    const refusals: string[] = [];
    for (const statement of statements) refusals.push(...(await tryStatement(session, statement, statement)));
    await session.close();
    return refusals;
  } finally {
    session.kill();
  }
}

/** Without CASCADE: the database is empty. */
function dropStatements({ extensions, objects }: Pick<Inventory, 'extensions' | 'objects'>): string[] {
  return [
    ...(extensions.some(({ name }) => name === 'plpgsql') ? [] : ['drop extension plpgsql']),
    ...(objects.some(({ type, identity }) => type === 'schema' && identity === 'public') ? [] : ['drop schema public']),
  ];
}
