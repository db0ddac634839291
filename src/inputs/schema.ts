import { INPUTS, type InputDeclaration, type InputName } from './declarations.ts';
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

/** Throws a LifeboatError, one problem a line, without the input's name. */
export type Parser<T> = (text: string, context: InputContext) => T;

/** An input of one command: as it is declared, and how this command reads what was given. */
export interface Input<T> extends InputDeclaration {
  parse: Parser<T>;
}

/** The parsers of some inputs, by name: of a command, or of inputs that several commands have. */
export type Parsers = { [N in InputName]?: Parser<unknown> };
export type Schema = Record<string, Input<unknown>>;

type SchemaOf<P extends Parsers> = { [N in keyof P]: P[N] extends Parser<infer T> ? Input<T> : never };

/** What the parsers returned, each under the name of its input in camel case. */
export type ValuesOf<P extends Parsers | Schema> = {
  [N in keyof P as CamelCase<N & string>]: P[N] extends Parser<infer T> | { parse: Parser<infer T> }
    ? Awaited<T>
    : never;
};

type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The inputs of a command, from the parsers that it has for them. A name that is not declared does not compile. */
export function schemaOf<P extends Parsers>(parsers: P & Record<Exclude<keyof P, InputName>, never>): SchemaOf<P> {
  const inputs = Object.entries(parsers).map(([name, parse]) => [name, { ...INPUTS[name as InputName], parse }]);
  return Object.fromEntries(inputs) as SchemaOf<P>;
}

/** Some of the values, under their own names. */
export function pick<V, N extends keyof V>(values: V, names: readonly N[]): Pick<V, N> {
  return Object.fromEntries(names.map((name) => [name, values[name]])) as Pick<V, N>;
}

/** For an input that may be left out: null when it was not given. */
export function optional<T>(parse: Parser<T>): Parser<T | null> {
  return (text, context) => (text === '' ? null : parse(text, context));
}

/** What is wrong with an input, and how to correct it. */
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
    values[camelCase(name)] = await problems.collect(name, () => input.parse(text(name), { ...context, text }));
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
