/**
 * What the `openai:NAME` model is told, read from options and environment. Apart from openai.ts, so that a run's options
 * can be checked where no call is made, without loading the SDK (a quarter of a second, 20 MB).
 */
import { MegactorError } from '../protocol/errors.ts';
import type { Clock } from '../platform/index.ts';

export const DEFAULT_BASE_URL = 'https://api.openai.com/v1';

export interface OpenAiModelOptions {
  /** The name the server knows the model by. */
  readonly model: string;
  /** Default: OPENAI_BASE_URL, else OpenAI's own. */
  readonly baseUrl?: string | undefined;
  /** Default: OPENAI_API_KEY. Required only at the default URL. */
  readonly apiKey?: string | undefined;
  /** Send x-agent-id and x-run-id. Default true. */
  readonly agentHeaders?: boolean | undefined;
  /** Longest time for one request, its body included. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Most sockets at once. Default: no limit. */
  readonly connections?: number | undefined;
  readonly clock?: Clock;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Where the server is, and the key it wants. */
export interface OpenAiSetting {
  readonly baseUrl: URL;
  readonly apiKey: string | null;
}

const present = (value: string | undefined): string | undefined => {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
};

/** @throws KEY_MISSING, CONFIG_INVALID */
export const readOpenAiSetting = (options: OpenAiModelOptions): OpenAiSetting => {
  const environment = options.environment ?? process.env;
  const text = present(options.baseUrl) ?? present(environment['OPENAI_BASE_URL']) ?? DEFAULT_BASE_URL;
  const apiKey = present(options.apiKey) ?? present(environment['OPENAI_API_KEY']) ?? null;
  if (!URL.canParse(text)) throw new MegactorError('CONFIG_INVALID', 'OPENAI_BASE_URL is not a URL');
  const baseUrl = new URL(text);
  if (baseUrl.protocol !== 'http:' && baseUrl.protocol !== 'https:') {
    throw new MegactorError('CONFIG_INVALID', 'OPENAI_BASE_URL must begin with http:// or https://');
  }
  if (baseUrl.username !== '' || baseUrl.password !== '') {
    throw new MegactorError('CONFIG_INVALID', 'OPENAI_BASE_URL must not contain a user name or password', {
      hint: 'Put the key into OPENAI_API_KEY.',
    });
  }
  // A key is sent as a header; a stray character would only show up as an obscure failure of the first call.
  if (apiKey !== null && !/^[\u0021-\u007e]+$/u.test(apiKey)) {
    throw new MegactorError('CONFIG_INVALID', 'OPENAI_API_KEY contains a character that no key has');
  }
  if (apiKey === null && baseUrl.hostname === new URL(DEFAULT_BASE_URL).hostname) {
    throw new MegactorError('KEY_MISSING', `${baseUrl.origin} needs a key`);
  }
  return { baseUrl, apiKey };
};

/** Fails where a run would fail later for want of a key or a sensible URL. @throws KEY_MISSING, CONFIG_INVALID */
export const checkOpenAiSetting = (options: OpenAiModelOptions): void => {
  readOpenAiSetting(options);
};
