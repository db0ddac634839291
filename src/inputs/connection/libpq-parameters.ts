/**
 * libpq's connection parameters (PostgreSQL, "Parameter Key Words") and the environment variables that stand for them
 * ("Environment Variables"). These are handed to the tools.
 */
export const ENVIRONMENT_NAMES = mapOf({
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  require_auth: 'PGREQUIREAUTH',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  options: 'PGOPTIONS',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslcompression: 'PGSSLCOMPRESSION',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcertmode: 'PGSSLCERTMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  requirepeer: 'PGREQUIREPEER',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  min_protocol_version: 'PGMINPROTOCOLVERSION',
  max_protocol_version: 'PGMAXPROTOCOLVERSION',
  gssencmode: 'PGGSSENCMODE',
  krbsrvname: 'PGKRBSRVNAME',
  gsslib: 'PGGSSLIB',
  gssdelegation: 'PGGSSDELEGATION',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
});

/** Resolved before anything is handed over: where further parameters and the password are to be read. */
export const FILE_PARAMETERS = mapOf({
  service: 'PGSERVICE',
  servicefile: 'PGSERVICEFILE',
  passfile: 'PGPASSFILE',
});

/** Parameters that have no effect here, and why. */
export const IGNORED = mapOf({
  application_name: 'Lifeboat names its sessions itself',
  fallback_application_name: 'Lifeboat names its sessions itself',
  client_encoding: "the dump keeps the database's own encoding",
  ...sameReason(
    'keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout',
    'libpq has no environment variable for it',
  ),
});

/** Parameters without which the connection would not be the one that was meant, and why they cannot be had. */
export const REFUSED = mapOf({
  ssl: "libpq's word is sslmode, such as sslmode=require",
  replication: 'a replication connection cannot be dumped',
  sslpassword: 'libpq has no environment variable for it; use a client key without a password',
  sslkeylogfile: 'it writes down what decrypts the connection',
  ...sameReason(
    'scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret oauth_scope',
    'libpq has no environment variable for it; use a password or a client certificate',
  ),
});

/** What other drivers and poolers put into a URL. libpq refuses them; none tells where the database is. */
export const FOREIGN = new Set(
  [
    // Prisma, Supabase
    'schema pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size sslaccept sslidentity supa workaround',
    // Node: pg, postgres.js, drizzle
    'uselibpqcompat max idle_timeout max_lifetime prepare fetch_types ssl_negotiation',
    // Python: SQLAlchemy, asyncpg, psycopg, Django
    'prepared_statement_cache_size prepared_statement_name_func command_timeout conn_max_age async_fallback server_settings',
    // Ruby on Rails, Elixir's Ecto
    'pool prepared_statements timeout encoding reaping_frequency checkout_timeout statement_limit advisory_locks pool_size',
    // Go: pgx, lib/pq
    'pool_max_conns pool_min_conns pool_max_conn_lifetime pool_max_conn_lifetime_jitter pool_max_conn_idle_time pool_health_check_period',
    'default_query_exec_mode statement_cache_capacity description_cache_capacity statement_cache_mode prefer_simple_protocol binary_parameters',
    // JDBC
    'currentSchema ApplicationName prepareThreshold reWriteBatchedInserts socketTimeout loginTimeout connectTimeout tcpKeepAlive stringtype',
    // settings of a session, which pgx, lib/pq and node-pg take in the URL; ours sets its own
    'search_path statement_timeout lock_timeout idle_in_transaction_session_timeout timezone TimeZone query_timeout',
  ].flatMap((names) => names.split(' ')),
);

function sameReason(names: string, reason: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, reason]));
}

/** A map, for names come from outside: `constructor` is not a parameter. */
function mapOf(entries: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(Object.entries(entries));
}
