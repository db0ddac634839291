/** The codes that ask for encryption before the startup packet; both packets are 8 bytes long. */
const ENCRYPTION_REQUESTS = [80877103, 80877104];

/**
 * What a PostgreSQL client says first, `user`, `database`, `application_name`, read from all that it has sent until
 * now; null while that is not enough (PostgreSQL's documentation, "Message Formats": StartupMessage).
 */
export function parseStartup(sent: Buffer): Record<string, string> | null {
  if (sent.length < 8) return null;
  const length = sent.readUInt32BE(0);
  if (ENCRYPTION_REQUESTS.includes(sent.readUInt32BE(4))) return parseStartup(sent.subarray(8));
  if (sent.length < length) return null;
  const words = sent.toString('utf8', 8, length).split('\0');
  const pairs = words.flatMap((word, index) =>
    index % 2 === 0 && word !== '' ? [[word, words[index + 1] ?? '']] : [],
  );
  return Object.fromEntries(pairs);
}
