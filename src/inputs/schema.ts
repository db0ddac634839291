import { Problems } from './problems.ts';

/** The text of an input as it was given, untrimmed; empty when it was not. */
export type GetInput = (name: string) => string;

export type Environment = Record<string, string | undefined>;

/** What reading inputs tells while it reads. */
export interface InputLog {
  /** Hides the text in every log from now on. */
  mask(secret: string): void;
  notice(line: string): void;
  warning(line: string): void;
}

export interface InputContext {
  env: Environment;
  log: InputLog;
  now: Date;
  /** The text of another input, with its default. */
  text(name: string): string;
}

/** One input: its default as in action.yml, and the parser of what was given. */
export interface Input<T> {
  default: string;
  /** The text is a secret whose blanks count: it reaches the parser untrimmed. */
  verbatim?: true;
  /** Throws a LifeboatError, one problem a line, without the input's name. */
  parse(text: string, context: InputContext): T;
}

export function input<T>(defaultText: string, parse: Input<T>['parse']): Input<T> {
  return { default: defaultText, parse };
}

/** An input without a default: null when it was not given. */
export function optional<T>(parse: Input<T>['parse']): Input<T | null> {
  return { default: '', parse: (text, context) => (text === '' ? null : parse(text, context)) };
}

export type Schema = Record<string, Input<unknown>>;
export type ValuesOf<S extends Schema> = { [N in keyof S]: Awaited<ReturnType<S[N]['parse']>> };

/** What is wrong with an input, and the mend. */
export interface Problem<Name extends string> {
  input: Name;
  problem: string;
}

/** What only several inputs together can get wrong. An input that could not be parsed is undefined in `values`. */
export type Rule<S extends Schema> = (inputs: {
  values: Partial<ValuesOf<S>>;
  /** Whether the input was given, and not just with its default. */
  given(name: keyof S & string): boolean;
  env: Environment;
}) => Problem<keyof S & string> | null;

/** Reads every input of the schema. Throws one LifeboatError with a line for each problem. */
export async function readInputs<S extends Schema>(
  schema: S,
  rules: Rule<S>[],
  get: GetInput,
  context: { env: Environment; log: InputLog; now: Date },
): Promise<ValuesOf<S>> {
  const text = (name: string) => textOf(schema[name], get(name));
  const problems = new Problems();
  const values: Record<string, unknown> = {};
  for (const [name, input] of Object.entries(schema)) {
    values[name] = await problems.collect(name, () => input.parse(text(name), { ...context, text }));
  }
  const given = (name: string) => text(name) !== '' && text(name) !== schema[name]?.default;
  for (const rule of rules) {
    const broken = rule({ values: values as Partial<ValuesOf<S>>, given, env: context.env });
    if (broken) problems.add(broken.input, broken.problem);
  }
  problems.throwIfAny();
  return values as ValuesOf<S>;
}

function textOf(input: Input<unknown> | undefined, raw: string): string {
  if (input?.verbatim) return raw;
  return raw.trim() || (input?.default ?? '');
}
