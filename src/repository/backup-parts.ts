import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { DamagedFrame, decompress } from '../compression/decompress.ts';
import { LifeboatError } from '../errors.ts';
import { type BoundPart, DamagedInventory, type Inventory, readInventory } from '../formats/inventory/inventory.ts';
import { hasSums, isOneRange, type Manifest, type ManifestPart } from '../formats/manifest.ts';
import { isTree, keyOf, type PartName, partOfTree } from '../formats/names.ts';
import { DamagedMessage, decrypt } from '../openpgp/decrypt.ts';
import { CannotDecrypt } from '../openpgp/session-key.ts';
import type { DecryptionSettings } from '../openpgp/settings.ts';
import type { PartStore } from '../store/store.ts';
import {
  checkSizes,
  DamagedPart,
  digestPart,
  onlySum,
  type PartSource,
  readPart,
  readSums,
  readWhole,
} from './part-reader.ts';

/** A part cannot be read back as it was written; `part` says which. */
export class UnreadablePart extends LifeboatError {
  override readonly name = 'UnreadablePart';
  readonly part: PartName;
  /** The message without the part's name. */
  readonly reason: string;
  /** The passphrase or key that was given does not open it: the stored bytes may be good. */
  readonly locked: boolean;

  constructor(part: PartName, cause: LifeboatError) {
    super(`Part ${part}: ${cause.message}`, { cause });
    this.part = part;
    this.reason = cause.message;
    this.locked = cause instanceof CannotDecrypt;
  }
}

/** What of a side object that is missing or damaged: its part is refused, or read twice as in older backups. */
export type WithoutSums = 'refuse' | 'read-twice';

export interface PartsContext {
  store: PartStore;
  manifest: Manifest;
  decryption: DecryptionSettings;
  withoutSums: WithoutSums;
  signal: AbortSignal;
  /** A line for the log. */
  info(line: string): void;
}

/** So large may an inventory be, in plain bytes: it is held in memory. */
const LARGEST_INVENTORY = 256 * 1024 * 1024;
/** What encryption and incompressible bytes add at most. */
const STORED_OVERHEAD = 1024 * 1024;

/**
 * Reads the parts of one backup back: fetched, verified, decrypted, decompressed, as streams. The chain of trust is
 * manifest -> inventory -> side objects -> ranges: of no part a byte is decrypted that was not compared with it before.
 */
export class BackupParts {
  readonly #context: PartsContext;
  /** What the inventory says of the other parts. */
  readonly #bound = new Map<string, BoundPart>();
  /** The digests of the ranges of a part's volumes, once they are known to be its own. */
  readonly #sums = new Map<PartName, Promise<Buffer[]>>();
  /** Parts that were read to their end. */
  readonly #read = new Set<string>();

  constructor(context: PartsContext) {
    this.#context = context;
  }

  /** Whether every volume exists with its size: nothing is begun with a backup of which a piece is missing. */
  async checkSizes(): Promise<void> {
    for (const part of this.#manifest.parts) {
      try {
        await checkSizes({ store: this.#context.store, folder: this.#folder(), part });
      } catch (error) {
        throw asUnreadable(part.name, error);
      }
    }
  }

  /** The inventory, which binds the other parts: from then on they must be those that it names. */
  async inventory(): Promise<Inventory> {
    const part = this.#part('inventory');
    try {
      const bytes = await this.#readInventory(part);
      const inventory = readInventory(bytes, this.#manifest);
      this.#bind(inventory);
      this.#read.add(part.name);
      return inventory;
    } catch (error) {
      throw asUnreadable(part.name, error);
    }
  }

  /** Its stored bytes are compared with the manifest, and its modification detection code checked, before it is parsed. */
  async #readInventory(part: ManifestPart): Promise<Buffer> {
    const stored = part.volumes.reduce((sum, { size }) => sum + size, 0);
    if (part.plain > LARGEST_INVENTORY || stored > LARGEST_INVENTORY + STORED_OVERHEAD) {
      throw new DamagedPart(
        part.name,
        `The manifest says ${part.plain} plain bytes in ${stored} stored ones. An inventory may have at most ${LARGEST_INVENTORY}: this one is not from Lifeboat.`,
      );
    }
    const chunks = await readWhole(this.#source(part));
    return await buffer(decompress(decrypt(Readable.from(chunks), this.#context.decryption), part.plain));
  }

  /**
   * Makes sure of the bytes of these parts before anything is done with one of them: reads their side objects; a part
   * without them is read once.
   */
  async verify(names: PartName[]): Promise<void> {
    for (const name of names) {
      try {
        await this.#sumsOf(this.#part(name));
      } catch (error) {
        throw asUnreadable(name, error);
      }
    }
  }

  /** Manifest and inventory must say the same, so that an attacker cannot put one backup's data beside another's inventory. */
  #bind({ parts, database, server, partial, files }: Inventory): void {
    if (database.name !== this.#manifest.database) throw unboundError("the database's name");
    if (server.version !== this.#manifest.serverVersion) throw unboundError("the server's version");
    if (!isDeepStrictEqual(partial, this.#manifest.partial)) throw unboundError('what was left out');
    const named = this.#manifest.parts.filter(({ name }) => name !== 'inventory');
    for (const bound of parts) {
      const part = named.find(({ name }) => name === bound.name);
      if (part?.plain !== bound.plain) throw unboundError(`part ${bound.name}`);
      if (!isDeepStrictEqual(sumsIn(part), bound.sums)) throw unboundError(`the side objects of part ${bound.name}`);
      this.#bound.set(bound.name, bound);
    }
    for (const { name } of named) if (!this.#bound.has(name)) throw unboundError(`part ${name}`);
    const trees = named.map(({ name }) => name).filter(isTree);
    if (
      !isDeepStrictEqual(
        files.map(({ label }) => partOfTree(label)),
        trees,
      )
    )
      throw unboundError('the file trees');
  }

  /**
   * The plain bytes of a part, each verified before it comes. That they are all of it is known only when the stream has
   * ended well. Throws {@link UnreadablePart}.
   */
  async *plain(name: PartName): AsyncGenerator<Uint8Array> {
    const part = this.#part(name);
    try {
      const stored = readPart(this.#source(part), await this.#sumsOf(part));
      yield* decompress(decrypt(stored, this.#context.decryption), part.plain);
      this.#read.add(name);
    } catch (error) {
      throw asUnreadable(name, error);
    }
  }

  #sumsOf(part: ManifestPart): Promise<Buffer[]> {
    const sums = this.#sums.get(part.name) ?? this.#findSums(part);
    this.#sums.set(part.name, sums);
    return sums;
  }

  async #findSums(part: ManifestPart): Promise<Buffer[]> {
    const bound = this.#bound.get(part.name);
    if (bound === undefined) throw new Error(`part ${part.name} is read before the inventory`);
    const source = this.#source(part);
    if (isOneRange(part) && !hasSums(part)) return onlySum(source, bound.sha256);
    if (hasSums(part)) {
      try {
        return await readSums(source);
      } catch (error) {
        if (!(error instanceof DamagedPart) || this.#context.withoutSums === 'refuse') throw error;
        this.#context.info(
          `${error.message} Part ${part.name} is read twice instead: once to verify it, once to use it.`,
        );
      }
    }
    return await digestPart(source, bound.sha256);
  }

  #source(part: ManifestPart): PartSource {
    const { store, signal, info } = this.#context;
    return { store, folder: this.#folder(), part, signal, info };
  }

  /** How many parts were read to their end. */
  get read(): number {
    return this.#read.size;
  }

  /** Reads the parts that were not read yet, such as `globals`: a part that cannot be read is a damaged backup too. */
  async readRest(except: PartName[]): Promise<void> {
    for (const { name } of this.#manifest.parts) {
      if (this.#read.has(name) || except.includes(name)) continue;
      for await (const _ of this.plain(name));
    }
  }

  get #manifest(): Manifest {
    return this.#context.manifest;
  }

  #folder(): string {
    return keyOf(this.#manifest.name, this.#manifest.id, '');
  }

  #part(name: PartName): ManifestPart {
    const part = this.#manifest.parts.find((candidate) => candidate.name === name);
    if (part) return part;
    throw new UnreadablePart(name, new DamagedPart(name, 'the manifest does not name it'));
  }
}

/** As the manifest has them; null: there are none. */
function sumsIn(part: ManifestPart): string[] | null {
  return hasSums(part) ? part.volumes.flatMap(({ sums }) => sums ?? []) : null;
}

/** What damage amounts to; any other error stays what it is. */
function asUnreadable(name: PartName, error: unknown): unknown {
  return isDamage(error) ? new UnreadablePart(name, error) : error;
}

function isDamage(error: unknown): error is LifeboatError {
  return [DamagedPart, DamagedMessage, DamagedFrame, DamagedInventory, CannotDecrypt].some(
    (kind) => error instanceof kind,
  );
}

function unboundError(what: string): DamagedInventory {
  return new DamagedInventory(
    `It does not fit the manifest: ${what} differs. One of the two was changed, or belongs to another backup.`,
  );
}
