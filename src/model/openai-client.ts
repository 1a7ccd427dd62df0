/**
 * What every `openai:NAME` model is made of, whatever it asks for: the SDK's client over a pool of sockets to one server, and a
 * runner for its requests. What it does not do: send any, retry, or look at answers.
 */
import OpenAI from 'openai';
import { systemClock, type Clock } from '../platform/index.ts';
import { readOpenAiSetting, type OpenAiModelOptions, type OpenAiSetting } from './openai-setting.ts';
import { createPoolFetch, type PoolFetch } from './pool-fetch.ts';
import { RequestRunner } from './request-runner.ts';

const TIMEOUT_MS = 60_000;

export interface OpenAiParts extends OpenAiSetting {
  readonly client: OpenAI;
  readonly pool: PoolFetch;
  readonly runner: RequestRunner;
  readonly clock: Clock;
}

/** @throws KEY_MISSING, CONFIG_INVALID */
export const createOpenAiParts = (options: OpenAiModelOptions): OpenAiParts => {
  const { baseUrl, apiKey } = readOpenAiSetting(options);
  const { clock = systemClock, timeoutMs = TIMEOUT_MS, connections } = options;
  const pool = createPoolFetch(baseUrl.origin, connections === undefined ? {} : { connections });
  const client = new OpenAI({
    // Without a key no authorization is sent at all; the SDK only wants to be told so.
    apiKey: apiKey ?? 'none',
    baseURL: baseUrl.href.replace(/\/+$/u, ''),
    maxRetries: 0,
    // Ours covers the body as well and comes first.
    timeout: timeoutMs + 10_000,
    fetch: pool.fetch,
    logLevel: 'off',
    ...(apiKey === null ? { defaultHeaders: { authorization: null } } : {}),
  });
  const runner = new RequestRunner({ origin: baseUrl.origin, apiKey, timeoutMs, clock });
  return { baseUrl, apiKey, client, pool, runner, clock };
};
