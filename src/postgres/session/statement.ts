/**
 * Another session's statement, for a message that names what is in the way. Its literals are left out, for they can be
 * anything: passwords, people's data.
 */
export function shownStatement(query: string): string {
  const short = query.slice(0, LONGEST);
  // An open quote at the end: the statement was cut there, by the server or by us.
  const withoutLiterals = short.replace(/\$(\w*)\$.*?(?:\$\1\$|$)|'(?:[^'\\]|''|\\.)*(?:'|$)/gs, "'…'");
  return JSON.stringify(withoutLiterals.replace(/\s+/g, ' ').trim());
}

/** Characters. */
const LONGEST = 200;
