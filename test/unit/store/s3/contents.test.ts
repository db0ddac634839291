import { expect, test } from '@jest/globals';
import { splitPage } from '../../../../src/store/s3/contents.ts';

/** What AWS's API reference shows, with two objects. */
function page(...elements: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><KeyCount>2</KeyCount>${elements.join('\n')}<IsTruncated>false</IsTruncated></ListBucketResult>`;
}

function element(key: string, more = '<StorageClass>STANDARD</StorageClass>'): string {
  return `<Contents>
  <ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Key>${key}</Key><LastModified>2026-11-01T18:12:59.000Z</LastModified><Size>1111</Size>${more}
  <Owner><ID>1</ID><DisplayName>shop &amp; co</DisplayName></Owner></Contents>`;
}

const modified = new Date('2026-11-01T18:12:59Z');

test('objects are taken out of a page, and the rest of it stays', () => {
  const { objects, rest } = splitPage(page(element('shop/a'), element('shop/ü b', '')));
  expect(objects).toEqual([
    { key: 'shop/a', size: 1111, modified, storageClass: 'STANDARD' },
    { key: 'shop/ü b', size: 1111, modified },
  ]);
  expect(rest).toBe(page('', ''));
});

test('a page without objects stays as it is', () => {
  for (const text of [page(), '<html>a login page</html>', '']) {
    expect(splitPage(text)).toEqual({ objects: [], rest: text });
  }
});

// Half of a page by us and half by the SDK would not be in the order of the keys.
test.each([
  ['an entity in a key', element('a&amp;b')],
  ['CDATA', element('<![CDATA[a]]>')],
  ['no size', element('c').replace('<Size>1111</Size>', '')],
  ['a size that is none', element('c').replace('1111', '99999999999999999999')],
  ['no time', element('c').replace('2026-11-01T18:12:59.000Z', 'yesterday')],
])('%s leaves the whole page to the SDK', (_, odd) => {
  const text = page(element('first'), odd);
  expect(splitPage(text)).toEqual({ objects: [], rest: text });
});
