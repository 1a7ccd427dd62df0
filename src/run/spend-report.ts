/** What model calls have cost, for the report: in all, by model, by level, by agent. Pure. */
import { addSpend, noSpend, sumSpend, type Leaf, type Spend } from '../model/budget/index.ts';

/** Sums and means of some calls. Milliseconds are means per answer; `usd` is null when a model had no price. */
export interface SpendRow {
  readonly calls: number;
  readonly retries: number;
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
  /** Answers without a word of their tokens, which are estimated. */
  readonly estimated: number;
  readonly usd: number | null;
  readonly queueMs: number;
  readonly latencyMs: number;
  /** Of streamed answers; null when none was. */
  readonly firstTokenMs: number | null;
}

export interface SpendReport {
  readonly total: SpendRow;
  readonly byModel: Readonly<Record<string, SpendRow>>;
  readonly byLevel: Readonly<Record<string, SpendRow>>;
  readonly byAgent: Readonly<Record<string, SpendRow>>;
}

const mean = (sum: number, count: number): number => (count === 0 ? 0 : Math.round(sum / count));

const rowOf = (spend: Spend): SpendRow => ({
  calls: spend.calls,
  retries: spend.retries,
  input: spend.input,
  cachedInput: spend.cachedInput,
  output: spend.output,
  reasoning: spend.reasoning,
  estimated: spend.estimated,
  usd: spend.usd,
  queueMs: mean(spend.queueMs, spend.calls),
  latencyMs: mean(spend.latencyMs, spend.calls),
  firstTokenMs: spend.streamed === 0 ? null : mean(spend.firstTokenMs, spend.streamed),
});

const rowsOf = (sums: ReadonlyMap<string, Spend>): Record<string, SpendRow> =>
  Object.fromEntries([...sums].map(([key, spend]) => [key, rowOf(spend)]));

export const spendReport = (leaves: readonly (readonly [string, Leaf])[]): SpendReport => {
  const byModel = new Map<string, Spend>();
  const byLevel = new Map<string, Spend>();
  const byAgent = new Map<string, Spend>();
  const add = (to: Map<string, Spend>, key: string, spend: Spend): void => {
    to.set(key, addSpend(to.get(key) ?? noSpend(), spend));
  };
  for (const [agent, { level, models }] of leaves) {
    for (const [model, spend] of Object.entries(models)) {
      add(byModel, model, spend);
      add(byLevel, level, spend);
      add(byAgent, agent, spend);
    }
  }
  const total = sumSpend(byModel.values());
  return { total: rowOf(total), byModel: rowsOf(byModel), byLevel: rowsOf(byLevel), byAgent: rowsOf(byAgent) };
};

const cost = (usd: number | null): string => (usd === null ? 'unknown' : `$${usd.toFixed(4)}`);

/** The section of `report.md`. */
export const renderSpend = (report: SpendReport): string => {
  const line = (name: string, row: SpendRow): string =>
    `| ${name.replaceAll('|', '\\|')} | ${row.calls} | ${row.retries} | ${row.input} | ${row.cachedInput} | ${row.output} | ${cost(row.usd)} | ${row.queueMs} | ${row.latencyMs} |`;
  const rows = (prefix: string, sums: Readonly<Record<string, SpendRow>>): string[] =>
    Object.entries(sums).map(([name, row]) => line(`${prefix} ${name}`, row));
  return [
    '## Model calls',
    '',
    '| | answers | retries | input | cached | output | cost | in the queue, ms | to the answer, ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows('model', report.byModel),
    ...rows('level', report.byLevel),
    line('all', report.total),
    '',
    ...(report.total.estimated === 0
      ? []
      : [`The server said nothing of the tokens of ${report.total.estimated} answers: they are estimated.`, '']),
    'Times are means. `report.json` has the same for every agent.',
    '',
  ].join('\n');
};
