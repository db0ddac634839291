/** The URL by which any program connects. A socket's folder is the parameter `host` of a URI (PostgreSQL, 34.1.1.2). */
export function connectionUrl({
  PGHOST = '',
  PGPORT = '5432',
  PGUSER = '',
  PGPASSWORD,
  PGDATABASE = '',
  PGSSLMODE,
}: Record<string, string>): string {
  const socket = PGHOST.startsWith('/');
  const password = PGPASSWORD === undefined ? '' : `:${encodeURIComponent(PGPASSWORD)}`;
  const host = socket ? '' : PGHOST.includes(':') ? `[${PGHOST}]` : PGHOST;
  const parameters = new URLSearchParams({
    ...(socket ? { host: PGHOST } : {}),
    ...(PGSSLMODE === undefined ? {} : { sslmode: PGSSLMODE }),
  }).toString();
  const query = parameters === '' ? '' : `?${parameters}`;
  return `postgresql://${encodeURIComponent(PGUSER)}${password}@${host}:${PGPORT}/${encodeURIComponent(PGDATABASE)}${query}`;
}
