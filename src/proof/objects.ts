import type { Inventory, ObjectFacts, RestoredState } from '../formats/inventory/inventory.ts';
import { relationOf } from '../formats/inventory/relation.ts';
import { countOf } from '../units.ts';
import { type Circumstances, type Compared, emptyComparison, missingFinding } from './circumstances.ts';
import { whyNotInDump } from './not-in-dump.ts';
import { majorVersionOf } from './tables.ts';

/** Every schema object: there, with the same owner, grants, comment, labels and flags. */
export function compareObjects(expected: Inventory, restored: RestoredState, circumstances: Circumstances): Compared {
  const result = emptyComparison();
  const versions: Versions = {
    source: majorVersionOf(expected.server.versionNumber),
    target: majorVersionOf(restored.server.versionNumber),
  };
  const copies = new Map(restored.objects.map((object) => [keyOf(object), object]));
  const known = new Set(expected.objects.map(keyOf));
  const identityColumns = new Set(
    expected.objects.filter(({ flags }) => flags.identity !== undefined).map(({ identity }) => identity),
  );
  let compared = 0;
  for (const object of expected.objects) {
    if (object.type === 'subscription') {
      result.notVerified.push(
        `Subscription ${object.identity}: a restore test leaves subscriptions out, for they would connect to their publisher.`,
      );
      continue;
    }
    const copy = copies.get(keyOf(object));
    if (!copy) {
      if (circumstances.leftOut && relationOf(object) === null && object.flags.partOf === undefined) {
        result.notVerified.push(`The ${object.type} ${object.identity}: it needs what was not asked for.`);
        continue;
      }
      // Which objects a partial backup holds, its inventory does not say.
      if (circumstances.partial === null)
        result.findings.push(missingFinding(object.type, object.identity, circumstances));
      continue;
    }
    compared++;
    const { differences, notVerified } = findDifferences(object, copy, { versions, identityColumns });
    result.notVerified.push(...notVerified);
    if (differences.length > 0 && object.flags.partOf !== undefined && equalForOwner(object, expected, copy, restored))
      continue;
    for (const message of differences) {
      result.findings.push({ severity: 'failed', kind: object.type, object: object.identity, message });
    }
  }
  for (const copy of restored.objects) {
    if (known.has(keyOf(copy))) continue;
    result.findings.push({
      severity: 'failed',
      kind: copy.type,
      object: copy.identity,
      message: 'It is in the restored database, but was not in the source.',
    });
  }
  result.verified.push(`${countOf(compared, 'schema object')}: owner, grants, comment and properties`);
  return result;
}

interface Versions {
  source: number;
  target: number;
}

function keyOf({ type, identity }: ObjectFacts): string {
  return `${type} ${identity}`;
}

function equalForOwner(object: ObjectFacts, expected: Side, copy: ObjectFacts, restored: Side): boolean {
  return JSON.stringify(withoutOwners(object, expected)) === JSON.stringify(withoutOwners(copy, restored));
}

type Side = Pick<Inventory, 'server' | 'extensions'>;

/**
 * Of what the system and extensions bring along only changed grants are recorded. They name its owner: the role that ran
 * initdb or CREATE EXTENSION, which is another role wherever it is restored.
 */
function withoutOwners(object: ObjectFacts, side: Side): ObjectFacts {
  const owners = new Set([side.server.bootstrap, ...side.extensions.map(({ owner }) => owner)].map(aclName));
  const named = (item: string) => {
    const [, grantee = '', letters = '', grantor = ''] = /^("(?:[^"]|"")*"|[^=]*)=([^/]*)\/(.*)$/.exec(item) ?? [];
    const hidden = (name: string) => (owners.has(name) ? '(owner)' : name);
    return `${hidden(grantee)}=${letters}/${hidden(grantor)}`;
  };
  return { ...object, acl: object.acl === null ? null : [...new Set(object.acl.map(named))].sort() };
}

/** A role's name as an aclitem shows it (putid in acl.c). */
function aclName(name: string): string {
  return /^[A-Za-z0-9_]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function findDifferences(
  object: ObjectFacts,
  copy: ObjectFacts,
  { versions, identityColumns }: { versions: Versions; identityColumns: ReadonlySet<string> },
): { differences: string[]; notVerified: string[] } {
  const differences: string[] = [];
  const notVerified: string[] = [];
  const compare = (what: string, before: unknown, after: unknown) => {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    const reason = whyNotInDump(object, { name: what, before, after }, identityColumns);
    if (reason === null) differences.push(`Its ${what} was ${showValue(before)}, restored was ${showValue(after)}.`);
    else notVerified.push(`The ${what} of ${object.type} ${object.identity}: ${reason}.`);
  };
  // Who owns the schema public and may use it by default changed with PostgreSQL 15, and so does a restore across it.
  const publicAcross15 = object.type === 'schema' && object.identity === 'public' && across15(versions);
  if (!publicAcross15) {
    compare('owner', object.owner, copy.owner);
    compare('grants', comparableGrants(object.acl, versions), comparableGrants(copy.acl, versions));
  } else if (JSON.stringify([object.owner, object.acl]) !== JSON.stringify([copy.owner, copy.acl])) {
    notVerified.push('Owner and grants of schema public: their defaults differ between the two major versions.');
  }
  compare('comment', object.comment, copy.comment);
  compare('security labels', object.securityLabels, copy.securityLabels);
  for (const flag of new Set([...Object.keys(object.flags), ...Object.keys(copy.flags)])) {
    const [before, after] = [object.flags[flag] ?? null, copy.flags[flag] ?? null];
    // Tablespaces are folders of the source's machine; a restore test leaves them out.
    if (flag === 'tablespace') {
      if (before !== after) notVerified.push(`Tablespace of ${object.type} ${object.identity}: ${showValue(before)}.`);
    } else compare(flag, before, after);
  }
  return { differences, notVerified };
}

function across15({ source, target }: Versions): boolean {
  return source < 15 !== target < 15;
}

/** MAINTAIN, the letter m, is there since PostgreSQL 17: a default that is spelled out holds it or not. */
function comparableGrants(acl: string[] | null, { source, target }: Versions): string[] | null {
  if (acl === null || source >= 17 === target >= 17) return acl;
  return acl.map((item) =>
    item.replace(/=([^/]*)\/(?=[^/]*$)/, (_, letters: string) => `=${letters.replace(/m\*?/, '')}/`),
  );
}

function showValue(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
