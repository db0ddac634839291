import { marked } from 'marked';

/** The width of a README's text on GitHub, in CSS pixels. */
export const WIDTH = 880;

/**
 * The beginning of a job summary as GitHub shows it below the name of its job: a page of its own, in light or dark as the
 * reader likes.
 */
export function summaryPage(summary: string, job: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${job}</title>
<style>${STYLE}</style>
<main>
<h1>${job} <small>summary</small></h1>
<article>
${marked.parse(summary, { async: false })}
</article>
</main>
</html>
`;
}

/** GitHub's colours, sizes and distances, as far as summaries use them. */
const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1f2328; --muted: #59636e; --border: #d1d9e0; --page: #ffffff; --stripe: #f6f8fa; --code: #818b981f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #f0f6fc; --muted: #9198a1; --border: #3d444d; --page: #0d1117; --stripe: #151b23; --code: #656c7633;
  }
}
* { box-sizing: border-box; }
html { background: var(--page); }
body { margin: 0; color: var(--text); font: 14px/1.5 'Noto Sans', sans-serif; }
/* It goes on below. */
main { border: 1px solid var(--border); border-bottom: 0; border-radius: 6px 6px 0 0; }
h1 { margin: 0; padding: 14px 24px; border-bottom: 1px solid var(--border); font-size: 14px; font-weight: 600; }
h1 small { font-size: inherit; font-weight: 400; color: var(--muted); }
article { padding: 24px 24px 4px; }
article > :first-child { margin-top: 0; }
h2, h3 { margin: 24px 0 16px; font-weight: 600; line-height: 1.25; }
h2 { padding-bottom: 6px; border-bottom: 1px solid var(--border); font-size: 21px; }
h3 { font-size: 17.5px; }
p, ul, table { margin: 0 0 16px; }
ul { padding-left: 28px; }
li + li { margin-top: 3.5px; }
table { border-collapse: collapse; }
tr:nth-child(2n) { background: var(--stripe); }
th, td { padding: 6px 13px; border: 1px solid var(--border); text-align: left; }
th { font-weight: 600; }
code { padding: 0.2em 0.4em; border-radius: 6px; background: var(--code); font: 85% 'Noto Sans Mono', monospace; }
h2 code { padding: 0 0.2em; font-size: 100%; }
`;
