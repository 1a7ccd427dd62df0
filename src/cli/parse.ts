/**
 * Turns the words of a command line into checked values, with the option table as the only authority. It reads no
 * file and knows no command.
 *
 * 1. Whatever is wrong is one USAGE error that names the word, says what was expected, and where to read on.
 * 2. Options may stand anywhere; after `--` everything is an argument.
 */
import { parseArgs } from 'node:util';
import { MegactorError } from '../protocol/errors.ts';
import { editDistance } from '../society/near-names.ts';
import type { OptionSpec } from './options.ts';

export type OptionValue = string | number | boolean;

export interface ParsedLine {
  readonly positionals: readonly string[];
  /** By option name; absent when not given. A file is still a path here. */
  readonly values: ReadonlyMap<string, OptionValue>;
}

export const usageError = (message: string, hint?: string): MegactorError =>
  new MegactorError('USAGE', message, { hint });

/** The name that was probably meant, or undefined when none is near. */
export const nearestName = (word: string, names: readonly string[]): string | undefined => {
  // A pasted text of any length is no misspelt name, and comparing it would cost its square.
  if (word.length > 40) return undefined;
  const ranked = names
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((left, right) => left.distance - right.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
};

const integerOf = (option: string, text: string, min: number, max: number): number => {
  const value = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw usageError(`--${option} needs a whole number from ${min} to ${max}, not "${text}".`);
  }
  return value;
};

const checkedValue = (spec: OptionSpec, text: string): OptionValue => {
  const { type } = spec;
  switch (type.kind) {
    case 'integer':
      return integerOf(spec.name, text, type.min, type.max);
    case 'choice':
      if (!type.choices.includes(text)) {
        throw usageError(`--${spec.name} is one of ${type.choices.join(', ')}, not "${text}".`);
      }
      return text;
    case 'text':
      if (text === '') throw usageError(`--${spec.name} needs a value.`);
      if (type.pattern !== undefined && !type.pattern.test(text)) {
        throw usageError(`--${spec.name} is ${type.expected ?? type.value}, not "${text}".`);
      }
      return text;
    case 'json-file':
      if (text === '') throw usageError(`--${spec.name} needs the path of a JSON file.`);
      return text;
    case 'flag':
      return true;
    default:
      return type satisfies never;
  }
};

const unknownOption = (rawName: string, specs: readonly OptionSpec[]): MegactorError => {
  const near = nearestName(
    rawName.replace(/^-+/u, ''),
    specs.map((spec) => spec.name),
  );
  return usageError(`There is no option ${rawName} here.${near === undefined ? '' : ` Did you mean --${near}?`}`);
};

/**
 * @param refuse says why an unknown option is refused, when there is a better reason than that it is unknown
 * @throws USAGE
 */
export const parseLine = (
  words: readonly string[],
  specs: readonly OptionSpec[],
  refuse: (rawName: string) => string | undefined = () => undefined,
): ParsedLine => {
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      specs.map((spec) => [spec.name, { type: spec.type.kind === 'flag' ? 'boolean' : 'string' }] as const),
    ),
  });
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const positionals: string[] = [];
  const values = new Map<string, OptionValue>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = token.rawName.startsWith('--') ? byName.get(token.name) : undefined;
    if (spec === undefined) {
      const reason = refuse(token.rawName);
      throw reason === undefined ? unknownOption(token.rawName, specs) : usageError(reason);
    }
    if (values.has(spec.name)) throw usageError(`--${spec.name} is given twice.`);
    values.set(spec.name, optionValue(spec, token.value));
  }
  return { positionals, values };
};

const optionValue = (spec: OptionSpec, text: string | undefined): OptionValue => {
  if (spec.type.kind === 'flag') {
    if (text !== undefined) throw usageError(`--${spec.name} takes no value.`);
    return true;
  }
  // Without strictness the parser takes a following option for the value.
  if (text === undefined || text.startsWith('--')) throw usageError(`--${spec.name} needs a value.`);
  return checkedValue(spec, text);
};

/** The content of a JSON file named on the command line. @throws USAGE */
export const readJsonFile = async (
  option: string,
  path: string,
  readFile: (path: string) => Promise<string>,
): Promise<unknown> => {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : code;
    throw usageError(
      `--${option}: ${path} cannot be read (${reason ?? String(error)}).`,
      'Give the path of a JSON file.',
    );
  }
  try {
    // A byte order mark is common in files written on Windows, and no part of JSON.
    return JSON.parse(text.replace(/^\uFEFF/u, '')) as unknown;
  } catch (error) {
    throw usageError(
      `--${option}: ${path} is not JSON (${(error as Error).message}).`,
      'Correct the file: it must hold one JSON value, without comments.',
    );
  }
};
