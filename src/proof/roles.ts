import type { Inventory, RestoredState, RoleFacts } from '../formats/inventory/inventory.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, emptyComparison, missingFinding } from './circumstances.ts';

/** Roles that were recreated: attributes, memberships, settings and comments. Passwords are in no backup. */
export function compareRoles(expected: Inventory, restored: RestoredState, circumstances: Circumstances): Compared {
  const result = emptyComparison();
  const found = new Map(restored.roles.map((role) => [role.name, role]));
  let compared = 0;
  for (const role of expected.roles) {
    if (circumstances.existingRoles.includes(role.name)) {
      result.notVerified.push(
        `Role ${role.name}: this restore did not make it; what the server has of that name was left as it is.`,
      );
      continue;
    }
    const copy = found.get(role.name);
    if (!copy) {
      result.findings.push(missingFinding('role', role.name, circumstances));
      continue;
    }
    compared++;
    for (const [what, before, after] of factsOf(role, copy)) {
      if (JSON.stringify(before) === JSON.stringify(after)) continue;
      const message = `Its ${what} were ${JSON.stringify(before)}, restored were ${JSON.stringify(after)}.`;
      result.findings.push({ severity: 'failed', kind: 'role', object: role.name, message });
    }
  }
  if (compared > 0) {
    result.verified.push(`${countOf(compared, 'role')}: attributes, memberships, settings`);
    result.notVerified.push('Passwords of roles: they are in no backup.');
  }
  return result;
}

type Fact = [what: string, before: unknown, after: unknown];

function factsOf(role: RoleFacts, copy: RoleFacts): Fact[] {
  return [
    ['attributes', role.attributes, copy.attributes],
    ['limits', [role.connectionLimit, role.validUntil], [copy.connectionLimit, copy.validUntil]],
    ['comments', role.comment, copy.comment],
    ['memberships', membershipsOf(role), membershipsOf(copy)],
    ['settings', role.settings, copy.settings],
  ];
}

/** By whom one was granted is not restored; the options of a membership are compared when both servers have them. */
function membershipsOf({ memberOf }: RoleFacts): string[] {
  return [...new Set(memberOf.map(({ role, admin }) => `${role}${admin ? ' with admin option' : ''}`))].sort();
}
