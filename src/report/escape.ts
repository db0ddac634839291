/**
 * Text from outside (names of tables, keys, what servers say) on one line of a log or terminal: control characters and
 * line ends are shown as escapes, so that nothing can begin a line with `::`, which the runner takes for a command.
 */
export function oneLine(text: string): string {
  // \p{Cc}: C0, DEL and C1. Bidi_Control: the marks that turn the direction of text.
  const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
  return text.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The same for text that may have line ends of its own. The runner takes `::` for a command after blanks too, and the
 * old form `##[` anywhere in a line (ActionCommand.cs).
 */
export function safeLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) =>
      oneLine(line)
        .replace(/^(\s*):(?=:)/, '$1:\u200b')
        .replaceAll('##[', '##\u200b['),
    )
    .join('\n');
}

/** So many names stand in one line. */
const MOST_NAMES = 20;

/** The first of many names, and how many more there are. */
export function firstNames(names: string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

/** Untrusted text in HTML in a job summary, which GitHub renders as Markdown too. */
export function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"'`|*_~[\]\\$@#]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** As the runner hides them in its logs: `***` for each. */
export function hideSecrets(text: string, secrets: string[]): string {
  // The longest first: one may be a part of another.
  const byLength = [...secrets].sort((a, b) => b.length - a.length);
  return byLength.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);
}
