export type Origin = 'database-url' | 'service' | 'environment' | 'default';

/** Connection parameters by libpq's keyword, each with where it came from. What is added first counts. */
export class PgParameters {
  readonly #entries = new Map<string, { value: string; origin: Origin }>();

  add(origin: Origin, more: ReadonlyMap<string, string>): void {
    for (const [keyword, value] of more) {
      if (!this.#entries.has(keyword)) this.#entries.set(keyword, { value, origin });
    }
  }

  /** Takes the place of what is missing or empty. */
  setDefault(keyword: string, value: string): void {
    if (!this.value(keyword)) this.#entries.set(keyword, { value, origin: 'default' });
  }

  /** Undefined also for an explicit empty value, which bars what would be added later and means libpq's own default. */
  value(keyword: string): string | undefined {
    return this.#entries.get(keyword)?.value || undefined;
  }

  origin(keyword: string): Origin | undefined {
    return this.#entries.get(keyword)?.origin;
  }

  keywords(): string[] {
    return [...this.#entries.keys()];
  }
}
