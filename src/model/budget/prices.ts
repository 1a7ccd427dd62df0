/**
 * What tokens cost, in US dollars per million. The table that comes along is what one provider published at its date;
 * whoever pays gives his own with `prices` in the configuration. What is not known costs `null`, never 0.
 */
import { z } from 'zod';
import type { TokenUsage } from '../types.ts';
import published from './prices.json' with { type: 'json' };

const usd = z.number().nonnegative().finite();

export const priceSchema = z.strictObject({
  input: usd,
  /** Of input that the provider served from its cache. Default: as other input. */
  cachedInput: usd.optional(),
  output: usd,
});

/** US dollars per million tokens. */
export type Price = z.output<typeof priceSchema>;

/** By the name after `openai:`. */
export const pricesSchema = z.record(z.string().min(1), priceSchema);

const table = z.object({ asOf: z.string(), models: pricesSchema }).parse(published);

/** The month of the table that comes along. */
export const PRICES_AS_OF = table.asOf;

const FREE: Price = { input: 0, cachedInput: 0, output: 0 };
const OPENAI = 'openai:';
/** A dated snapshot of a model, as `gpt-4o-2024-08-06`, costs what the model costs. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/u;

/**
 * The price of a model as the command line names it; null when it is not known.
 * @param own goes before the table that comes along
 * @param priced whether that table holds for this server: other servers call their models what they like
 */
export const priceOf = (model: string, own: Readonly<Record<string, Price>>, priced: boolean): Price | null => {
  if (model === 'rehearsal' || /^(?:cassette|playbook):/u.test(model)) return FREE;
  const name = model.startsWith(OPENAI) ? model.slice(OPENAI.length) : model;
  const known = own[name] ?? own[model];
  if (known !== undefined) return known;
  if (!priced) return null;
  return table.models[name] ?? table.models[name.replace(SNAPSHOT, '')] ?? null;
};

export const isFree = ({ input, cachedInput = 0, output }: Price): boolean =>
  input === 0 && cachedInput === 0 && output === 0;

/** In US dollars. */
export const costOfUsage = ({ input, cachedInput, output }: TokenUsage, price: Price): number =>
  ((input - cachedInput) * price.input + cachedInput * (price.cachedInput ?? price.input) + output * price.output) /
  1_000_000;
