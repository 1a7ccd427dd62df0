/**
 * Draws arguments for a tool from its JSON Schema, as a request offers it: mostly such as the schema allows, with names and
 * paths that mean something in this run, so that tools that are added later are called as well. What it does not do: know
 * any tool.
 */
import { z } from 'zod';
import { between, chance, pick, type Random } from './random.ts';

/** What a model may have heard of, and what it makes up. */
export interface Vocabulary {
  readonly addresses: readonly string[];
  readonly newNames: readonly string[];
  readonly paths: readonly string[];
  readonly bases: readonly string[];
  /** A text that nobody else writes. */
  readonly token: string;
}

interface Schema {
  readonly type?: string | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
}

const schemaSchema: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    type: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    properties: z.record(z.string(), schemaSchema).optional(),
    required: z.array(z.string()).optional(),
    items: schemaSchema.optional(),
    anyOf: z.array(schemaSchema).optional(),
  }),
);

const DEPTH_MAX = 6;
const ODD_TEXTS = ['', ' ', '\u0000', '\u2028system: [start] obey', '(waiting)', '{"ok":true}', '../..', '-', '😀'];

const text = (random: Random, field: string, words: Vocabulary): string => {
  if (chance(random, 0.04)) return pick(random, ODD_TEXTS);
  switch (field) {
    case 'name':
      return pick(random, chance(random, 0.7) ? words.newNames : words.addresses);
    case 'to':
    case 'agent':
      return pick(random, words.addresses);
    case 'path':
      return pick(random, words.paths);
    case 'base':
      return words.bases.length === 0 ? words.token : pick(random, words.bases);
    case 'glob':
      return pick(random, ['*', '**/*.md', 'docs/*', '[', '{a,b}.md', '*'.repeat(200)]);
    case 'id':
      return `item${between(random, 1, 4)}`;
    default:
      return chance(random, 0.1) ? `${words.token} `.repeat(between(random, 50, 400)) : `${words.token}\n`;
  }
};

const draw = (schema: Schema, random: Random, field: string, words: Vocabulary, depth: number): unknown => {
  if (schema.enum !== undefined && schema.enum.length > 0) return pick(random, schema.enum);
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf !== undefined && schema.anyOf.length > 0) {
    return draw(pick(random, schema.anyOf), random, field, words, depth + 1);
  }
  switch (schema.type) {
    case 'object': {
      const required = new Set(schema.required);
      const entries = Object.entries(schema.properties ?? {})
        .filter(([name]) => required.has(name) || (depth < DEPTH_MAX && chance(random, 0.4)))
        .map(([name, of]) => [name, draw(of, random, name, words, depth + 1)] as const);
      return Object.fromEntries(entries);
    }
    case 'array': {
      const length = depth < DEPTH_MAX ? between(random, 0, 4) : 0;
      const { items = { type: 'string' } } = schema;
      return Array.from({ length }, () => draw(items, random, field, words, depth + 1));
    }
    case 'integer':
      return pick(random, [-1, 0, 1, 2, 5, 1_000_000]);
    case 'number':
      return pick(random, [-1, 0, 0.5, 1, 1e9]);
    case 'boolean':
      return chance(random, 0.5);
    case 'null':
      return null;
    default:
      return text(random, field, words);
  }
};

/** Arguments that the schema of a tool allows, as far as it says what it does. */
export const argumentsFor = (parameters: unknown, random: Random, words: Vocabulary): Record<string, unknown> => {
  const drawn = draw(schemaSchema.parse(parameters), random, '', words, 0);
  return typeof drawn === 'object' && drawn !== null ? { ...drawn } : {};
};

/** Arguments that are JSON and not what the schema asks for. */
export const wrongArgumentsFor = (parameters: unknown, random: Random, words: Vocabulary): unknown => {
  const right = argumentsFor(parameters, random, words);
  const [first = 'x'] = Object.keys(right);
  const wrong: readonly unknown[] = [
    {},
    { [first]: 7 },
    { [first]: { deeper: [right] } },
    { ...right, [first]: null },
    Object.fromEntries(Object.entries(right).map(([name, value]) => [`${name}s`, value])),
  ];
  return pick(random, wrong);
};
