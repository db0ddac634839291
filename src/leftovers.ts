/** What a killed run can leave behind. */
export type Leftover =
  | {
      kind: 'process';
      pid: number /** Clock ticks since boot, /proc/PID/stat: a reused pid differs. */;
      started: string;
      /** It leads a process group: what it has started ends with it. */
      group?: true;
    }
  | { kind: 'file'; path: string }
  /** With all that is in it; a throwaway cluster's server too. */
  | { kind: 'folder'; path: string }
  /** One that a restore is filling. */
  | { kind: 'database'; database: string; host: string }
  /** The commands of `after`, which must run once those of `before` have begun. The input tells them. */
  | { kind: 'after' }
  | ContainerProcess
  /** What was written of an object of a store whose unfinished objects have names of their own. */
  | { kind: 'part'; url: string; key: string }
  | { kind: 's3-upload'; bucket: string; key: string; uploadId: string; endpoint: string | null };

/** A program that another one runs for us where a signal of ours does not reach it. `engine`: `docker` or `podman`. */
export type ContainerProcess =
  /** In a container that goes on living; all that has inherited LIFEBOAT_TOOL=`mark` is ours. */
  | { kind: 'container-process'; engine: string; container: string; mark: string }
  /** In a container of its own. */
  | { kind: 'container'; engine: string; name: string };

/** Remembers what must not outlive this process, so that `post:` can end it; returns the call that forgets it. */
export type Track = (leftover: Leftover) => () => void;

/** What is tracked now. `save` is called with the whole list at every change. */
export class Leftovers {
  readonly #list = new Set<Leftover>();
  readonly #save: (leftovers: Leftover[]) => void;

  constructor(save: (leftovers: Leftover[]) => void) {
    this.#save = save;
  }

  readonly track: Track = (leftover) => {
    this.#list.add(leftover);
    this.#save([...this.#list]);
    return () => {
      if (this.#list.delete(leftover)) this.#save([...this.#list]);
    };
  };
}
