import { Listing } from '../catalog/listing.ts';
import type { Store } from '../store/store.ts';

export async function listSet(store: Store, name: string): Promise<Listing> {
  const listing = new Listing(name);
  for await (const object of store.list(`${name}/`)) listing.add(object);
  return listing;
}
