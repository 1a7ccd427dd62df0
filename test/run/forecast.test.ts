/** Forecasts: against real runs of the same rehearsal over HTTP, and what is said of them. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { costOfUsage } from '../../src/model/index.ts';
import { rehearse, type Forecast, type RunSummary } from '../../src/run/index.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { startRehearsalServer } from '../support/rehearsal-server.ts';
import { environmentOf } from '../support/scripted-society.ts';

vi.setConfig({ testTimeout: 240_000 });

const GOAL = 'Write a field guide to the birds of an island';
const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const withServer = async <Value>(rehearsal: string, use: (url: string) => Promise<Value>): Promise<Value> => {
  const server = await startRehearsalServer(['--rehearsal', rehearsal]);
  try {
    return await use(server.url);
  } finally {
    await server.stop();
  }
};

const within = (forecast: number, real: number, part: number): void => {
  expect(Math.abs(forecast - real) / real, `${forecast} was forecast, ${real} came`).toBeLessThanOrEqual(part);
};

describe('a forecast against a real run of the same rehearsal over HTTP', () => {
  const failures = { badJson: 0.05, prose: 0.03, unfinished: 0.03, http500: 0.03 };
  for (const { name, rehearsal, agents, tags } of [
    { name: 'society', rehearsal: { latencyMs: 20 }, agents: '16', tags: [] },
    { name: 'failing', rehearsal: { latencyMs: 20, failures }, agents: '10', tags: ['long'] },
  ])
    test(`calls and what is read are within 25 %, what is written within 10 % (${name})`, { tags }, async () => {
      const file = join(directory.path, `${name}.json`);
      writeFileSync(file, JSON.stringify(rehearsal));
      const real = await withServer(file, async (url) => {
        const runDir = join(directory.path, name);
        const ran = await command(
          [
            'run',
            GOAL,
            '--model',
            'openai:any',
            '--sandbox',
            'off',
            '--max-agents',
            agents,
            '--run-dir',
            runDir,
            '--json',
            '--quiet',
          ],
          { env: environmentOf({ baseUrl: url }) },
        );
        expect(ran.exitCode, ran.stderr).toBe(0);
        return jsonLine(ran) as RunSummary;
      });
      const forecast = await rehearse(GOAL, { maxAgents: Number(agents), rehearsal });
      expect(forecast).toMatchObject({ status: 'completed', agents: real.agents, files: real.files, synthetic: true });
      // Which reports a supervisor reads together depends on the machine, and of so few calls each is two in a hundred.
      within(forecast.calls, real.modelCalls, 0.25);
      within(forecast.tokens.input, real.tokens.input, 0.25);
      within(forecast.tokens.output, real.tokens.output, 0.1);
    });
});

test('FC1 the same options give the same forecast, and another seed another one', async () => {
  const options = {
    maxAgents: 12,
    rehearsal: {
      latencyMs: { distribution: 'lognormal', median: 800, p95: 4_000 },
      failures: { http429: 0.05, prose: 0.05 },
    },
    requestsPerMinute: 200,
  };
  const first = await rehearse(GOAL, options);
  expect(await rehearse(GOAL, options)).toEqual(first);
  const other = await rehearse(GOAL, { ...options, seed: 2 });
  expect(other.wallSeconds).not.toBe(first.wallSeconds);
});

test('FC2 wall time is that of the calls: latency on the longest chain, or what the limits let through', async () => {
  const forecastOf = (latencyMs: number, more = {}): Promise<Forecast> =>
    rehearse(GOAL, { maxAgents: 13, latencyMs, rehearsal: { scenario: 'team' }, review: 'none', ...more });
  const slow = await forecastOf(10_000);
  // The critical path of the scenario is W + 7 = 12 calls; what closes it comes on top.
  expect(slow.wallSeconds).toBeGreaterThanOrEqual(120);
  expect(slow.wallSeconds).toBeLessThan(160);
  const limited = await forecastOf(100, { requestsPerMinute: 10 });
  // Ten at the start of every minute.
  expect(limited.wallSeconds).toBeGreaterThanOrEqual((Math.ceil(limited.calls / 10) - 1) * 60);
  expect(limited.wallSeconds).toBeLessThan((Math.ceil((limited.calls + limited.limited) / 10) + 3) * 60);
  expect(limited.assumptions.limits).toEqual({
    requestsPerMinute: 10,
    tokensPerMinute: null,
    inFlight: null,
    knownFrom: 'headers',
  });
  const config = { model: { requestsPerMinute: 600, limitWindowMs: 6_000, inFlightMax: 5 } };
  const told = await forecastOf(100, { config });
  expect(told.maxInFlight).toBe(5);
  expect(told.limited).toBe(0);
  expect(told.assumptions.limits).toEqual({
    requestsPerMinute: 600,
    tokensPerMinute: null,
    inFlight: 5,
    knownFrom: 'configuration',
  });
});

test('FC3 the cost is that of a price row, and null without one', async () => {
  const price = { input: 2, cachedInput: 0.5, output: 8 };
  const config = { prices: { mine: price } };
  const known = await rehearse(GOAL, { maxAgents: 4, model: 'openai:mine', config });
  expect(known.costUsd).toBeCloseTo(costOfUsage(known.tokens, price), 10);
  expect(known.costUsd).toBeGreaterThan(0);
  expect(known.assumptions.prices).toEqual({ 'openai:mine': price });
  for (const options of [{ model: 'openai:nobody-knows' }, {}]) {
    const unknown = await rehearse(GOAL, { maxAgents: 4, ...options });
    expect(unknown.costUsd).toBeNull();
    expect(unknown.tokens).toEqual(known.tokens);
  }
});

test('a run that would not complete says so', async () => {
  const forecast = await rehearse(GOAL, {
    maxAgents: 4,
    rehearsal: { latencyMs: 100, outage: { afterMs: 500, lengthMs: 10_000_000, status: 503 } },
  });
  expect(forecast).toMatchObject({ status: 'failed', reason: 'model-unreachable' });
});

test('what cannot be forecast is refused, and an interrupted forecast rejects', async () => {
  await expect(rehearse(' ')).rejects.toMatchObject({ code: 'USAGE' });
  await expect(rehearse(GOAL, { model: 'cassette:x' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(rehearse(GOAL, { rehearsal: { scenario: 'chat' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const controller = new AbortController();
  const forecast = rehearse(GOAL, { maxAgents: 500, signal: controller.signal });
  controller.abort();
  await expect(forecast).rejects.toMatchObject({ code: 'ABORTED' });
});

test('the command says on both surfaces that it is a synthetic forecast, and writes nothing', async () => {
  const cwd = temporaryDirectory();
  try {
    const args = ['rehearse', GOAL, '--max-agents', '3', '--latency', '1000', '--rpm', '100', '--quiet'];
    const text = await command(args, { cwd: cwd.path });
    expect(text.exitCode, text.stderr).toBe(0);
    expect(text.stdout).toMatch(/^FORECAST, from a rehearsal: no model was called, and every text was synthetic\./u);
    expect(text.stdout).toMatch(/cost +not known/u);
    const json = await command([...args, '--json'], { cwd: cwd.path });
    const forecast = jsonLine(json) as Forecast;
    expect(forecast).toEqual(await rehearse(GOAL, { maxAgents: 3, latencyMs: 1_000, requestsPerMinute: 100 }));
    expect(forecast).toMatchObject({ synthetic: true, assumptions: { latencyMs: 1_000, model: null } });
    expect(readdirSync(cwd.path)).toEqual([]);
  } finally {
    cwd.cleanUp();
  }
});
