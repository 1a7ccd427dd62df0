/**
 * What every `openai:NAME` model is made of, whatever it asks for: the SDK's client over a pool of sockets to one server, and a
 * runner for its requests. What it does not do: send any, retry, or look at answers.
 *
 * The SDK is loaded when something first needs it: it takes a tenth of a second of processor time, and a run whose answers
 * are all wanted whole needs nothing of it.
 */
import type OpenAI from 'openai';
import { systemClock, type Clock } from '../platform/index.ts';
import { readOpenAiSetting, type OpenAiModelOptions, type OpenAiSetting } from './openai-setting.ts';
import { createPoolFetch, type PoolFetch } from './pool-fetch.ts';
import { RequestRunner, type SdkErrors } from './request-runner.ts';

const TIMEOUT_MS = 60_000;

/** What the server is told about who asks, in place of what the SDK says of itself. */
const USER_AGENT = 'megactor';

/** With one of these the SDK sends headers of its own making. */
const HEADER_SETTINGS = ['OPENAI_ORG_ID', 'OPENAI_PROJECT_ID', 'OPENAI_CUSTOM_HEADERS'];

/** What is the same in every call whose answer is wanted whole. */
export interface Template {
  /** Below the origin. */
  readonly path: string;
  /** Names and values, one after the other. */
  readonly headers: readonly string[];
}

export interface OpenAiParts extends OpenAiSetting {
  /** The SDK's client, the same each time. */
  readonly client: () => Promise<OpenAI>;
  /** @param path below the base URL, with the slash before it */
  readonly template: (path: string) => Template | Promise<Template>;
  readonly pool: PoolFetch;
  readonly runner: RequestRunner;
  readonly clock: Clock;
}

/** What the SDK would send for a call of `client`, without what it says about itself. */
const sdkTemplate = async (client: OpenAI, origin: string, path: string): Promise<Template> => {
  const { req, url } = await client.buildRequest({ method: 'post', path, body: {} });
  const headers = [...req.headers].filter(([name]) => !name.startsWith('x-stainless-')).flat();
  return { path: url.slice(origin.length), headers: [...headers, 'accept-encoding', 'identity'] };
};

/** @throws KEY_MISSING, CONFIG_INVALID */
export const createOpenAiParts = (options: OpenAiModelOptions): OpenAiParts => {
  const { baseUrl, apiKey } = readOpenAiSetting(options);
  const { clock = systemClock, timeoutMs = TIMEOUT_MS, connections } = options;
  const pool = createPoolFetch(baseUrl.origin, connections === undefined ? {} : { connections });
  const base = baseUrl.href.replace(/\/+$/u, '');
  let loading: Promise<OpenAI> | null = null;
  let errors: SdkErrors | null = null;

  const load = async (): Promise<OpenAI> => {
    const sdk = await import('openai');
    errors = sdk;
    return new sdk.default({
      // Without a key no authorization is sent at all; the SDK only wants to be told so.
      apiKey: apiKey ?? 'none',
      baseURL: base,
      maxRetries: 0,
      // Ours covers the body as well and comes first.
      timeout: timeoutMs + 10_000,
      fetch: pool.fetch,
      logLevel: 'off',
      defaultHeaders: { 'user-agent': USER_AGENT, ...(apiKey === null ? { authorization: null } : {}) },
    });
  };
  const client = (): Promise<OpenAI> => (loading ??= load());

  const template = (path: string): Template | Promise<Template> => {
    const { origin } = baseUrl;
    const { search, hash } = baseUrl;
    if (search + hash !== '' || HEADER_SETTINGS.some((name) => (process.env[name] ?? '') !== '')) {
      return client().then((made) => sdkTemplate(made, origin, path));
    }
    const key = apiKey === null ? [] : ['authorization', `Bearer ${apiKey}`];
    const common = ['accept', 'application/json', 'accept-encoding', 'identity', 'content-type', 'application/json'];
    return { path: base.slice(origin.length) + path, headers: [...common, 'user-agent', USER_AGENT, ...key] };
  };

  const runner = new RequestRunner({ origin: baseUrl.origin, apiKey, timeoutMs, clock, sdkErrors: () => errors });
  return { baseUrl, apiKey, client, template, pool, runner, clock };
};
