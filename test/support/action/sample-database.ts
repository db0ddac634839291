import { type PostgresServer, quoteIdentifier } from '../servers/postgres.ts';

/**
 * Names that a table can have and that mean something to a log, a summary, a shell, SQL or a terminal. GitHub's runner
 * takes a line that begins with `::` for a command, and `##[…]` anywhere in a line.
 */
export const ODD_NAMES = [
  '::error::injected',
  'two\n::error::lines',
  'carriage\r::warning::return',
  '##[error]the old form',
  '%0A::error::escaped',
  '<img src=x onerror=alert(1)>',
  'a|b',
  `"quoted" 'name'`,
  '🛟 ring buoy',
  '`$(id)`',
  '; drop table customers; --',
  'a]([link](javascript:alert(1)',
  '\u202eright to left',
  'n'.repeat(63),
];

/** Rows of each table with an odd name. */
export const ODD_ROWS = 200;

/** Rows by table, as `schema.table`; every other table has none. */
export const SAMPLE_ROWS: Record<string, number> = {
  'public.customers': 3_000,
  'public.orders_2025': 2_000,
  'public.orders_2026': 4_000,
  'public.products': 500,
  'archive.orders': 100,
  ...Object.fromEntries(ODD_NAMES.map((name) => [`public.${name}`, ODD_ROWS])),
};

/** Tables that hold none. The partitioned `orders` is not one: it can hold none itself. */
export const EMPTY_TABLES = ['public.empty'];

/** Makes a small shop with names that nobody expects: 9,600 rows and more, in 21 tables, and most kinds of objects. */
export async function createSampleDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.createDatabase(name, 'TEMPLATE template0');
  await server.psql(name, `${SHOP}\n${ODD_TABLES}`);
}

const SHOP = `
comment on database :"DBNAME" is '::error::a comment';
create schema archive;
create schema "odd ""schema"" <b>";
create type mood as enum ('fine', 'so | so', '<b>');
create domain price as numeric(12, 2) check (value >= 0);
create sequence countdown increment -3 minvalue -1000000 start -1;
select setval('countdown', -301);

create table customers (
  id bigint generated always as identity primary key,
  name text not null,
  email text unique,
  joined timestamptz not null,
  mood mood,
  notes jsonb,
  photo bytea
);
comment on table customers is '<script>alert(1)</script>';
insert into customers (name, email, joined, mood, notes, photo)
select 'Customer ' || n || ' Müller', 'customer' || n || '@example.com', timestamptz '2024-01-01Z' + n * interval '1 hour',
  (array['fine', 'so | so', '<b>', null])[n % 4 + 1]::mood, jsonb_build_object('n', n, 'text', repeat('é', n % 7)),
  decode(md5(n::text), 'hex')
from generate_series(1, 3000) n;

create table products (
  id integer primary key,
  name text not null,
  price price not null,
  with_tax numeric generated always as (price * 1.19) stored
);
insert into products (id, name, price) select n, E'Product\\t' || n || E'\\nsecond line', n * 0.99 from generate_series(1, 500) n;

create table orders (
  id bigserial,
  customer_id bigint references customers,
  placed date not null,
  total price not null,
  primary key (id, placed)
) partition by range (placed);
create table orders_2025 partition of orders for values from ('2025-01-01') to ('2026-01-01');
create table orders_2026 partition of orders for values from ('2026-01-01') to ('2027-01-01');
insert into orders (customer_id, placed, total)
select n % 3000 + 1, date '2025-01-01' + n % 365, n % 1000 from generate_series(1, 2000) n;
insert into orders (customer_id, placed, total)
select n % 3000 + 1, date '2026-01-01' + n % 365, n % 1000 from generate_series(1, 4000) n;
create index on orders (placed);

create table archive.orders (id bigint, what text);
insert into archive.orders select n, repeat('old ', 10) from generate_series(1, 100) n;
create table empty (nothing text);

create view open_orders as select * from orders where total > 500;
create materialized view totals as select placed, sum(total) as total from orders group by placed;
create function "odd ""schema"" <b>".twice(integer) returns integer language sql immutable as 'select $1 * 2';
create policy own on customers using (true);
grant select on customers to public;
select lo_from_bytea(0, decode(repeat('00ff', 5000), 'hex')), lo_from_bytea(0, 'second large object');
`;

/** Makes each table with an odd name. */
export const ODD_TABLES = ODD_NAMES.map((name) => {
  const table = quoteIdentifier(name);
  return `create table ${table} (id integer primary key, text text);
insert into ${table} select n, repeat(md5(n::text), 8) from generate_series(1, ${ODD_ROWS}) n;
`;
}).join('');
