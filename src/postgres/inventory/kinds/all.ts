import { foreignDataWrappers, foreignServers, userMappings } from './foreign.ts';
import type { Kind } from './kind.ts';
import {
  accessMethods,
  familyFunctions,
  familyOperators,
  operatorClasses,
  operatorFamilies,
  operators,
} from './operators.ts';
import { columns, defaultValues, relations, statistics } from './relations.ts';
import { publicationSchemas, publications, publicationTables, subscriptions } from './replication.ts';
import { languages, routines } from './routines.ts';
import { defaultPrivileges, extensions, schemas } from './schemas.ts';
import { constraints, domainConstraints, eventTriggers, indexes, policies, rules, triggers } from './table-parts.ts';
import {
  textSearchConfigurations,
  textSearchDictionaries,
  textSearchParsers,
  textSearchTemplates,
} from './text-search.ts';
import { casts, collations, conversions, transforms, types } from './types.ts';

/**
 * Every kind of object that pg_dump dumps: DumpableObjectType of pg_dump.h, without large objects and rows, which are
 * recorded by themselves, and without what only orders the dump. Subscriptions are dumped for a superuser only.
 */
export function kindsOf(version: number, superuser: boolean): Kind[] {
  return [
    schemas,
    extensions,
    types(version),
    routines,
    languages,
    operators,
    operatorFamilies,
    operatorClasses,
    familyOperators,
    familyFunctions,
    accessMethods,
    collations(version),
    conversions,
    casts(version),
    transforms,
    relations,
    columns(version),
    defaultValues,
    statistics(version),
    constraints(version),
    domainConstraints,
    indexes(version),
    triggers(version),
    rules,
    policies,
    eventTriggers,
    textSearchConfigurations,
    textSearchDictionaries,
    textSearchParsers,
    textSearchTemplates,
    foreignDataWrappers,
    foreignServers,
    userMappings,
    defaultPrivileges,
    publications(version),
    publicationTables(version),
    ...(version >= 150000 ? [publicationSchemas] : []),
    ...(superuser ? [subscriptions] : []),
  ];
}
