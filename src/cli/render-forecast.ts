/** What the user reads of a forecast: the figures, and everything that they rest on. Pure. */
import type { Assumptions, Forecast, ForecastProgress } from '../run/forecast/types.ts';
import { count, duration, plural } from './render.ts';

const percent = (part: number): string => `${Number((part * 100).toFixed(1))} %`;

const usd = (amount: number): string => `$${amount < 1 ? Number(amount.toPrecision(3)) : amount.toFixed(2)}`;

const pricesText = ({ prices }: Assumptions): string =>
  Object.entries(prices)
    .map(([model, price]) => {
      if (price === null) return `${model}: not known`;
      const { input, cachedInput = input, output } = price;
      return `${model}: $${input} input, $${cachedInput} cached, $${output} output`;
    })
    .join('; ');

const limitsText = ({ limits }: Assumptions): string => {
  const { requestsPerMinute, tokensPerMinute, inFlight, knownFrom } = limits;
  const said = [
    ...(requestsPerMinute === null ? [] : [`${plural(requestsPerMinute, 'request')} a minute`]),
    ...(tokensPerMinute === null ? [] : [`${plural(tokensPerMinute, 'token')} a minute`]),
    ...(inFlight === null ? [] : [`${count(inFlight)} at once`]),
  ];
  const known = knownFrom === 'headers' ? " (the gate learns of them from the provider's headers)" : '';
  return said.length === 0 ? 'none' : `${said.join(', ')}${known}`;
};

const failuresText = ({ failures, outage }: Assumptions): string => {
  const rates = Object.entries(failures).map(([kind, rate]) => `${kind} ${percent(rate)}`);
  const all = outage === null ? rates : [...rates, `an outage ${JSON.stringify(outage)}`];
  return all.length === 0 ? 'none' : all.join(', ');
};

const latencyText = ({ latencyMs }: Assumptions): string =>
  typeof latencyMs === 'number' ? `${count(latencyMs)} ms a call` : `${JSON.stringify(latencyMs)} ms`;

const rows = (pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.map(([name, text]) => `  ${name.padEnd(12)}${text}`);

const ending = ({ status, reason }: Forecast): string[] =>
  status === 'completed'
    ? []
    : [`The run that was rehearsed did not complete: ${status} (${reason}). The figures are those until then.`];

export const forecastText = (forecast: Forecast): string => {
  const { calls, tokens, costUsd, wallSeconds, assumptions, agents, files, retries, limited, maxInFlight } = forecast;
  const { scenario, shape, review, seed, cacheHitRate, charactersPerToken } = assumptions;
  const given = Object.keys(assumptions.tokens).length === 0 ? '' : `, but ${JSON.stringify(assumptions.tokens)}`;
  return [
    'FORECAST, from a rehearsal: no model was called, and every text was synthetic.',
    ...ending(forecast),
    '',
    ...rows([
      ['calls', `${count(calls)}, at most ${count(maxInFlight)} at once`],
      [
        'tokens',
        `${count(tokens.input)} input (${count(tokens.cachedInput)} of them cached), ${count(tokens.output)} output`,
      ],
      ['cost', costUsd === null ? 'not known' : usd(costUsd)],
      ['wall time', duration(wallSeconds)],
      ['repeated', `${plural(retries, 'request')}, ${count(limited)} of them refused by a limit`],
      ['ends with', `${plural(agents, 'agent')}, ${plural(files, 'file')}`],
    ]),
    '',
    'Assumed:',
    ...rows([
      [
        'agents',
        `at most ${count(assumptions.maxAgents)}, scenario ${scenario}${shape === null ? '' : `, shape ${JSON.stringify(shape)}`}`,
      ],
      ['reviews', { model: 'by the model', auto: 'by the model, after checks', none: 'none' }[review]],
      ['latency', latencyText(assumptions)],
      ['limits', limitsText(assumptions)],
      ['failures', failuresText(assumptions)],
      ['tokens', `${charactersPerToken} characters each${given}; ${percent(cacheHitRate)} of the input cached`],
      [
        'prices',
        Object.keys(assumptions.prices).length === 0 ? 'none' : `${pricesText(assumptions)}, per million tokens`,
      ],
      ['seed', String(seed)],
    ]),
    '',
    ...assumptions.notes,
  ].join('\n');
};

export const forecastProgressLine = ({ calls, wallSeconds }: ForecastProgress): string =>
  `rehearsing (synthetic): ${plural(calls, 'call')}, ${duration(wallSeconds)} of the run`;
