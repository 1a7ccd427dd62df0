/** `rehearse`: what a run would come to, from a rehearsal in virtual time. */
import type { ForecastOptions } from '../../run/forecast/types.ts';
import type { Command } from '../command.ts';
import { REHEARSE_OPTIONS } from '../options.ts';
import { readJsonFile, type ParsedLine } from '../parse.ts';
import { EXIT, type CommandContext } from '../ports.ts';
import { forecastProgressLine, forecastText } from '../render-forecast.ts';
import { goalOf } from './run.ts';

/** The given options only, so that every default stays with the forecast. */
const forecastOptionsOf = async ({ values }: ParsedLine, context: CommandContext): Promise<ForecastOptions> => {
  const given = (name: string, key: keyof ForecastOptions): ForecastOptions =>
    values.get(name) === undefined ? {} : { [key]: values.get(name) };
  const file = async (name: 'rehearsal' | 'config'): Promise<ForecastOptions> => {
    const path = values.get(name) as string | undefined;
    return path === undefined ? {} : { [name]: await readJsonFile(name, path, context.readFile) };
  };
  return {
    ...given('model', 'model'),
    ...given('max-agents', 'maxAgents'),
    ...given('review', 'review'),
    ...given('latency', 'latencyMs'),
    ...given('rpm', 'requestsPerMinute'),
    ...given('tpm', 'tokensPerMinute'),
    ...given('seed', 'seed'),
    ...(await file('rehearsal')),
    ...(await file('config')),
  };
};

export const rehearseCommand: Command = {
  name: 'rehearse',
  usage: 'rehearse "GOAL" [OPTIONS]',
  summary: 'Forecasts what a run would come to: calls, tokens, cost and time, from a rehearsal. No model is called.',
  options: REHEARSE_OPTIONS,
  examples: [
    'rehearse "Write a field guide to the birds of an island"',
    'rehearse "Write a field guide" --max-agents 40 --model openai:gpt-5-mini --latency 4000',
    'rehearse "Write a field guide" --max-agents 590 --rpm 500 --tpm 200000 --json --quiet',
  ],
  notes: [
    'The whole society is played, in virtual time: hires, talks, reviews, and calls that wait for latency and limits. The ' +
      'texts are synthetic. It is a forecast, and says what it assumes; a real model needs more or fewer calls.',
    'Nothing is written to the disk. Ctrl-C ends it (exit 130). Exit 1: the run that was rehearsed did not complete.',
  ],
  run: async (line, context) => {
    const goal = goalOf(line, 'rehearse');
    const options = await forecastOptionsOf(line, context);
    const quiet = line.values.get('quiet') === true;
    const api = await context.loadRunApi();
    const controller = new AbortController();
    const unsubscribe = context.interrupts.subscribe(() => {
      if (controller.signal.aborted) context.exitNow(EXIT.interrupted);
      controller.abort();
    });
    try {
      const forecast = await api.rehearse(goal, {
        ...options,
        signal: controller.signal,
        ...(quiet ? {} : { onProgress: (progress) => context.stderr(`${forecastProgressLine(progress)}\n`) }),
      });
      context.stdout(`${line.values.get('json') === true ? JSON.stringify(forecast) : forecastText(forecast)}\n`);
      return forecast.status === 'completed' ? EXIT.completed : EXIT.failed;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      context.stderr('Interrupted: there is no forecast.\n');
      return EXIT.interrupted;
    } finally {
      unsubscribe();
    }
  },
};
