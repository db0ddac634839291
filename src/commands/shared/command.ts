import type { Environment, GetInput, InputLog, Schema } from '../../inputs/schema.ts';
import type { StoreLocation } from '../../store/location.ts';
import type { Presentation, PresentContext } from './presentation.ts';
import type { Run } from './run.ts';

/**
 * A command, in one object: the Action, the command line and the documentation know no more of it. `S` are its settings,
 * `R` what it comes to.
 */
export interface Command<S extends { stores: StoreLocation[] } = { stores: StoreLocation[] }, R = unknown> {
  name: string;
  /** One line of `--help`. */
  summary: string;
  /** Its inputs, as in action.yml. */
  inputs: Schema;
  /** Reads and checks its inputs. Throws one LifeboatError with a line for each problem. */
  readSettings(get: GetInput, env: Environment, log: InputLog): Promise<S>;
  /** Throws a LifeboatError when there is no result. */
  run(settings: S, run: Run): Promise<R>;
  /** Pure: what people and later steps get to see of the result, and whether the step is red. */
  present(result: R, context: PresentContext<S>): Presentation;
}
