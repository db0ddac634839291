import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Page, type Problem, readPage } from './page.ts';

/** Relative links that lead nowhere: to no file, or to no heading of it. The web is not asked. */
export function brokenLinks(page: Page): Problem[] {
  return page.links.flatMap(({ href, line }) => {
    const why = /^[a-z][a-z0-9+.-]*:/i.test(href) ? null : whyBroken(page, href);
    return why === null ? [] : [{ line, message: `${href}: ${why}` }];
  });
}

function whyBroken(page: Page, href: string): string | null {
  const [path = '', anchor] = decodeURI(href).split('#');
  const target = path === '' ? page.path : resolve(dirname(page.path), path);
  if (!existsSync(target)) return 'there is no such file';
  if (anchor === undefined || !target.endsWith('.md')) return null;
  const { anchors } = target === page.path ? page : readPage(target);
  return anchors.has(anchor) ? null : 'the page is there, and has no such heading';
}
