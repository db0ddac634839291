import { input, optional, type Schema, type ValuesOf } from './read-inputs.ts';
import { parseEndpoint, s3ForReading } from './s3.ts';
import type { StoreSettings } from './settings.ts';
import { parseStores } from './store-url.ts';

/** What every command is told of its stores, as in action.yml. */
export const storeInputs = {
  store: input('', parseStores),
  's3-endpoint': optional(parseEndpoint),
} satisfies Schema;

/** What a command needs that writes no backups. */
export function storeSettings(inputs: ValuesOf<typeof storeInputs>): StoreSettings {
  return { stores: inputs.store, s3: s3ForReading(inputs['s3-endpoint']) };
}
