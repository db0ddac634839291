import { expect, test } from '@jest/globals';
import { parseFileReferences } from '../../../../src/inputs/database/file-references.ts';

test('by label of a tree, one query each', async () => {
  expect(
    await parseFileReferences('uploads: select path from files;\navatars: |\n  select avatar\n  from users\n'),
  ).toEqual([
    { label: 'uploads', sql: 'select path from files' },
    { label: 'avatars', sql: 'select avatar\nfrom users' },
  ]);
});

test.each([
  ['no YAML', 'uploads: [', /it is not YAML.*Write label: query/],
  ['a query alone', 'select path from files', /it is no map of labels to queries\. Write label: query/],
  ['a list', '- uploads', /it is no map/],
  ['a label that is none', 'Uploads: select 1', /"Uploads" is no label of paths/],
  ['no query', 'uploads:', /"uploads" has no sql\. Write label: query/],
  ['two statements', 'uploads: select 1; select 2', /several statements/],
])('%s', async (_, text, says) => {
  await expect(parseFileReferences(text)).rejects.toThrow(says);
});
