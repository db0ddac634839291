import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { StoredObject } from '../store.ts';
import { limitBytes } from './bounded-answers.ts';

/**
 * Has the objects of a page taken out before the SDK reads it; they are in the list once the command was sent. The SDK
 * makes a tree of a thousand elements with all their fields, of which we want four: enough garbage, page after page,
 * that Node's heap grows by 150 MB over 50 pages.
 */
export function takeContents(command: ListObjectsV2Command): StoredObject[] {
  const taken: StoredObject[] = [];
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: Readable | Buffer };
      if (response.statusCode !== 200) return result;
      const { objects, rest } = splitPage((await buffer(limitBytes(response.body as Readable))).toString());
      taken.splice(0, taken.length, ...objects);
      response.body = Buffer.from(rest);
      return result;
    },
    { name: 'takeContents', step: 'deserialize', priority: 'low' }, // Next to the connection: before the SDK reads.
  );
  return taken;
}

/**
 * The objects of a page of a listing (S3's API reference, ListObjectsV2, "Response Syntax"), and the page without them.
 * Where one of them is not written as every server known to us writes it, all stay in the rest, for the SDK.
 */
export function splitPage(page: string): { objects: StoredObject[]; rest: string } {
  const objects: (StoredObject | null)[] = [];
  const rest = page.replace(/<Contents>(.*?)<\/Contents>/gs, (_, fields: string) => {
    objects.push(objectOf(fields));
    return '';
  });
  return objects.every((object) => object !== null) ? { objects, rest } : { objects: [], rest: page };
}

function objectOf(fields: string): StoredObject | null {
  const key = readField(fields, KEY);
  const size = Number(readField(fields, SIZE) ?? Number.NaN);
  const modified = new Date(readField(fields, MODIFIED) ?? Number.NaN);
  if (key === null || !Number.isSafeInteger(size) || Number.isNaN(modified.getTime())) return null;
  const storageClass = readField(fields, STORAGE_CLASS);
  return { key: copyOf(key), size, modified, ...(storageClass === null ? {} : { storageClass }) };
}

const KEY = /<Key>([^<]+)<\/Key>/;
const SIZE = /<Size>(\d+)<\/Size>/;
const MODIFIED = /<LastModified>([^<]+)<\/LastModified>/;
const STORAGE_CLASS = /<StorageClass>([^<]+)<\/StorageClass>/;

/** Keys of ours have no entities: text that has some is none that we understand. */
function readField(fields: string, pattern: RegExp): string | null {
  const text = pattern.exec(fields)?.[1] ?? null;
  return text?.includes('&') ? null : text;
}

/** A string cut from another holds the whole of that in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
