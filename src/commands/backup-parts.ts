import { buffer } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { type Inventory, readInventory } from '../catalog/inventory.ts';
import type { Manifest, ManifestPart } from '../catalog/manifest.ts';
import { isTree, keyOf, type PartName, partOfTree } from '../catalog/names.ts';
import { LifeboatError } from '../errors.ts';
import type { DecryptionSettings } from '../inputs/settings.ts';
import { checkSizes, DamagedPart, readPart } from '../store/part-reader.ts';
import type { PartStore } from '../store/store.ts';
import { DamagedFrame, decompress } from '../stream/decompress.ts';
import { DamagedMessage, decrypt } from '../stream/decrypt.ts';
import { CannotDecrypt } from '../stream/session-key.ts';

/** A part cannot be read back as it was written; `part` says which. */
export class UnreadablePart extends LifeboatError {
  override readonly name = 'UnreadablePart';
  readonly part: PartName;
  /** The message without the part's name. */
  readonly reason: string;
  /** What was given does not open it: that is no fault of what is stored. */
  readonly locked: boolean;

  constructor(part: PartName, cause: LifeboatError) {
    super(`Part ${part}: ${cause.message}`, { cause });
    this.part = part;
    this.reason = cause.message;
    this.locked = cause instanceof CannotDecrypt;
  }
}

/** Reads the parts of one backup back: fetched, checked, decrypted, decompressed, as streams. */
export class BackupParts {
  readonly #store: PartStore;
  readonly #manifest: Manifest;
  readonly #decryption: DecryptionSettings;
  readonly #signal: AbortSignal;
  readonly #info: (line: string) => void;
  /** sha256 of each whole part, from the inventory. */
  readonly #bound = new Map<string, string>();
  /** Parts that were read to their end. */
  readonly #read = new Set<string>();

  constructor(
    store: PartStore,
    manifest: Manifest,
    decryption: DecryptionSettings,
    signal: AbortSignal,
    info: (line: string) => void,
  ) {
    this.#store = store;
    this.#manifest = manifest;
    this.#decryption = decryption;
    this.#signal = signal;
    this.#info = info;
  }

  /** Whether every volume is there and as long as it was: nothing is begun with a backup of which a piece is gone. */
  async checkSizes(): Promise<void> {
    for (const part of this.#manifest.parts) {
      try {
        await checkSizes({ store: this.#store, folder: this.#folder(), part });
      } catch (error) {
        throw error instanceof DamagedPart ? new UnreadablePart(part.name, error) : error;
      }
    }
  }

  /** The inventory, which binds the other parts: from then on they must be those that it names. */
  async inventory(): Promise<Inventory> {
    const bytes = await buffer(this.plain('inventory'));
    try {
      const inventory = readInventory(bytes, this.#manifest);
      this.#bind(inventory);
      return inventory;
    } catch (error) {
      throw error instanceof LifeboatError ? new UnreadablePart('inventory', error) : error;
    }
  }

  /** Manifest and inventory must say the same: nobody has put one backup's data beside another's inventory. */
  #bind({ parts, database, server, partial, files }: Inventory): void {
    if (database.name !== this.#manifest.database) throw unbound("the database's name");
    if (server.version !== this.#manifest.serverVersion) throw unbound("the server's version");
    if (!isDeepStrictEqual(partial, this.#manifest.partial)) throw unbound('what was left out');
    const named = this.#manifest.parts.filter(({ name }) => name !== 'inventory');
    for (const { name, plain, sha256 } of parts) {
      if (named.find((part) => part.name === name)?.plain !== plain) throw unbound(`part ${name}`);
      this.#bound.set(name, sha256);
    }
    for (const { name } of named) if (!this.#bound.has(name)) throw unbound(`part ${name}`);
    const trees = named.map(({ name }) => name).filter(isTree);
    if (
      !isDeepStrictEqual(
        files.map(({ label }) => partOfTree(label)),
        trees,
      )
    )
      throw unbound('the file trees');
  }

  /** The plain bytes of a part. They count only when the stream has ended well. Throws {@link UnreadablePart}. */
  async *plain(name: PartName): AsyncGenerator<Uint8Array> {
    const part = this.#part(name);
    try {
      yield* decompress(decrypt(this.#stored(part), this.#decryption), part.plain);
      this.#read.add(name);
    } catch (error) {
      throw await this.#meaning(error, part);
    }
  }

  #stored(part: ManifestPart): AsyncGenerator<Uint8Array> {
    const sha256 = this.#bound.get(part.name);
    return readPart({
      store: this.#store,
      folder: this.#folder(),
      part,
      ...(sha256 === undefined ? {} : { sha256 }),
      signal: this.#signal,
      info: this.#info,
    });
  }

  /** What nothing opens may be damaged where it is opened: only when its bytes are as stored, the key is the wrong one. */
  async #meaning(error: unknown, part: ManifestPart): Promise<unknown> {
    if (!isDamage(error)) return error;
    if (!(error instanceof CannotDecrypt)) return new UnreadablePart(part.name, error);
    try {
      for await (const _ of this.#stored(part));
      return new UnreadablePart(part.name, error);
    } catch (damage) {
      return isDamage(damage) ? new UnreadablePart(part.name, damage) : damage;
    }
  }

  /** How many parts were read to their end. */
  get read(): number {
    return this.#read.size;
  }

  /** Reads what nobody has asked for, such as `globals`: a part that cannot be read is a damaged backup too. */
  async readRest(except: PartName[]): Promise<void> {
    for (const { name } of this.#manifest.parts) {
      if (this.#read.has(name) || except.includes(name)) continue;
      for await (const _ of this.plain(name));
    }
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

function isDamage(error: unknown): error is LifeboatError {
  return [DamagedPart, DamagedMessage, DamagedFrame, CannotDecrypt].some((kind) => error instanceof kind);
}

function unbound(what: string): LifeboatError {
  return new LifeboatError(
    `It does not fit the manifest: ${what} differs. One of the two was changed, or belongs to another backup.`,
  );
}
