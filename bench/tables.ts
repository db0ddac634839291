import { createHash } from 'node:crypto';
import { Prose } from './prose.ts';
import { Random } from './random.ts';
import { newSite, type Site } from './site.ts';

/** A value of a column: text of COPY's text format is made of it; null is SQL's NULL. */
export type Value = string | number | null;

/** What rows are made of. */
export interface Source {
  random: Random;
  prose: Prose;
  site: Site;
}

export function newSource(seed: number): Source {
  const random = new Random(seed);
  const prose = new Prose(random);
  return { random, prose, site: newSite(random, prose) };
}

export interface Table {
  /** CREATE TABLE. */
  definition: string;
  /** How many rows a batch of the data has: the tables grow side by side. */
  rowsPerBatch: number;
  /** Makes the row with this number, from 1. */
  row(number: number, source: Source): Value[];
}

const START = Date.UTC(2024, 0, 1);

const KINDS = [
  'page_view',
  'page_view',
  'page_view',
  'search',
  'add_to_cart',
  'checkout',
  'purchase',
  'login',
  'error',
];
const STATUSES = ['new', 'paid', 'packed', 'shipped', 'delivered', 'delivered', 'returned'];
const CITIES = ['Berlin', 'Bruxelles', 'Göteborg', 'Kraków', 'Lisboa', 'London', 'Lyon', 'Milano', 'Utrecht', 'Zürich'];

/** A web shop's database: one large table of events, prose, numbers, measurements and files. */
export const TABLES: Record<string, Table> = {
  events: {
    definition: `id bigint PRIMARY KEY, occurred_at timestamptz NOT NULL, session uuid NOT NULL, user_id integer,
      kind text NOT NULL, amount numeric(12, 2), payload jsonb NOT NULL`,
    rowsPerBatch: 60_000,
    row: (number, { random, prose, site }) => {
      const kind = random.pick(KINDS);
      const payload = {
        path: random.often(site.pages),
        referrer: random.chance(0.3) ? random.often(site.referrers) : null,
        user_agent: random.often(site.userAgents),
        width: 320 + 8 * random.integer(0, 200),
        experiment: random.chance(0.2)
          ? { name: `exp-${random.skewed(40)}`, variant: random.pick(['a', 'b']) }
          : undefined,
        query: kind === 'search' ? prose.phrase(random.integer(1, 4)) : undefined,
        trace: random.chance(0.25) ? random.bytes(8).toString('hex') : undefined,
        duration_ms: Math.round(20 / (random.next() + 0.005)),
      };
      const amount = kind === 'purchase' ? money(random, 300) : null;
      const user = random.chance(0.6) ? 1 + random.skewed(200_000) : null;
      return [
        number,
        time(number * 700 + random.next() * 700),
        session(number),
        user,
        kind,
        amount,
        JSON.stringify(payload),
      ];
    },
  },
  documents: {
    definition: `id integer PRIMARY KEY, title text NOT NULL, body text NOT NULL, tags text[] NOT NULL,
      author uuid NOT NULL, updated_at timestamptz NOT NULL`,
    rowsPerBatch: 4_000,
    row: (number, { random, prose }) => {
      const tags = Array.from({ length: random.integer(0, 4) }, () => prose.word());
      const body = prose.text(random.integer(60, 500));
      const updated = time(number * 90_000 + random.next() * 1e9);
      return [number, prose.phrase(random.integer(3, 8)), body, `{${tags.join(',')}}`, random.uuid(), updated];
    },
  },
  orders: {
    definition: `id integer PRIMARY KEY, customer uuid NOT NULL, status text NOT NULL, placed_at timestamptz NOT NULL,
      net numeric(12, 2) NOT NULL, tax numeric(12, 4) NOT NULL, address jsonb NOT NULL, note text`,
    rowsPerBatch: 20_000,
    row: (number, { random, prose }) => {
      const net = money(random, 500);
      const street = `${prose.word()} ${random.integer(1, 180)}`;
      const address = { city: random.pick(CITIES), street, postcode: String(random.integer(10_000, 99_999)) };
      const note = random.chance(0.1) ? prose.text(random.integer(5, 30)) : null;
      const tax = (Number(net) * 0.19).toFixed(4);
      const placed = time(number * 2_000 + random.next() * 2_000);
      return [number, random.uuid(), random.pick(STATUSES), placed, net, tax, JSON.stringify(address), note];
    },
  },
  measurements: {
    definition: `sensor smallint NOT NULL, measured_at timestamptz NOT NULL, temperature numeric(6, 3),
      pressure double precision, state smallint NOT NULL, PRIMARY KEY (measured_at, sensor)`,
    rowsPerBatch: 80_000,
    row: (number, { random }) => {
      const at = Math.floor(number / 40) * 10_000;
      const temperature = 15 + 10 * Math.sin(at / 1.4e7) + random.next();
      const pressure = 1013 + 12 * Math.cos(at / 3e7) + random.next();
      return [number % 40, time(at), temperature.toFixed(3), pressure, random.chance(0.98) ? 0 : random.integer(1, 9)];
    },
  },
  attachments: {
    definition: `id uuid PRIMARY KEY, document integer NOT NULL, name text NOT NULL, sha256 bytea NOT NULL,
      content bytea NOT NULL`,
    rowsPerBatch: 600,
    // Half of the files are compressed already (pictures), half are plain (exports).
    row: (number, { random, prose }) => {
      const isPicture = random.chance(0.5);
      const length = random.integer(1_000, 15_000);
      const content = isPicture ? random.bytes(length) : Buffer.from(exportFile(length, random, prose));
      const name = `${prose.word()}-${number}.${isPicture ? 'jpg' : 'csv'}`;
      const digest = createHash('sha256').update(content).digest();
      return [random.uuid(), random.integer(1, number * 6), name, hex(digest), hex(content)];
    },
  },
};

/** Visitors do several things one after the other. */
function session(event: number): string {
  const hex = createHash('md5')
    .update(String(Math.floor(event / 8)))
    .digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function time(milliseconds: number): string {
  const at = START + milliseconds;
  const microseconds = Math.floor((at % 1) * 1_000);
  return new Date(at).toISOString().replace('Z', `${String(microseconds).padStart(3, '0')}+00`);
}

/** Small amounts are frequent. */
function money(random: Random, most: number): string {
  return (1 + most * random.next() ** 3).toFixed(2);
}

function exportFile(length: number, random: Random, prose: Prose): string {
  let text = 'id;name;quantity;price\n';
  while (text.length < length) {
    text += `${random.integer(1, 99_999)};${prose.word()} ${prose.word()};${random.integer(1, 20)};${money(random, 90)}\n`;
  }
  return text;
}

function hex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}
