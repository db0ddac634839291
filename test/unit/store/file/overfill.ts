import { readdirSync } from 'node:fs';
import { openFileStore } from '../../../../src/store/file/store.ts';
import type { StoreError } from '../../../../src/store/store.ts';
import { recordedContext } from '../../../support/store/context.ts';
import { failureOf, put } from '../../../support/store/objects.ts';

/** Stores 100 kB and then 4 MB in the folder that it is given, and prints what came of it. */
const [, , root = ''] = process.argv;
const context = recordedContext();
const store = openFileStore({ path: root, url: `file://${root}` }, context);
await store.open();
const { uploaded } = await put(store, 'shop/id/small', Buffer.alloc(100_000));

const upload = await store.create('shop/id/large');
const { code, message } = (await failureOf(upload.write(Buffer.alloc(4_000_000)))) as StoreError;
await upload.abort();
const left = readdirSync(`${root}/shop/id`);
console.log(JSON.stringify({ small: uploaded, code, message, left, tracked: context.leftovers.size }));
