import type { Leftover } from './store/store.ts';

/** Remembers what must not outlive this process. `save` is called with the whole list at every change. */
export class Leftovers {
  readonly #list = new Set<Leftover>();
  readonly #save: (leftovers: Leftover[]) => void;

  constructor(save: (leftovers: Leftover[]) => void) {
    this.#save = save;
  }

  readonly track = (leftover: Leftover): (() => void) => {
    this.#list.add(leftover);
    this.#save([...this.#list]);
    return () => {
      if (this.#list.delete(leftover)) this.#save([...this.#list]);
    };
  };
}
