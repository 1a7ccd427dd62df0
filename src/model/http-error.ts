/**
 * What an error status of a model server means: status, headers and body → an error of the catalogue. What it does not
 * do: send requests, decide on retries.
 *
 * 1. No key leaves in a message: known keys and anything that looks like one are blotted out.
 * 2. `details.retryAfterMs` is there exactly when the server said how long to wait; it is never negative.
 */
import { z } from 'zod';
import { MegactorError, type ErrorCode } from '../protocol/errors.ts';
import { readLimits } from './gate/limit-headers.ts';

/** Servers say much in an error; this much of it is kept. */
const MESSAGE_LENGTH_MAX = 500;
/** Nobody is made to wait longer than this by one header. */
const RETRY_AFTER_MAX_MS = 600_000;

const KEY_PATTERN = /\b(?:sk|pk|rk|key)-[A-Za-z0-9_*.-]{4,}/gu;
const BEARER_PATTERN = /\bbearer\s+[^\s"',]+/giu;

/** `text` without `secrets` and without anything that looks like a key, cut to a readable length. */
export const redact = (text: string, secrets: readonly string[] = []): string => {
  let clean = text;
  for (const secret of secrets) if (secret.length > 0) clean = clean.replaceAll(secret, '[key]');
  clean = clean.replace(BEARER_PATTERN, 'Bearer [key]').replace(KEY_PATTERN, '[key]');
  return clean.length > MESSAGE_LENGTH_MAX ? `${clean.slice(0, MESSAGE_LENGTH_MAX)}…` : clean;
};

/** Reads header `name` (lower case); null when it is not there. */
export type HeaderReader = (name: string) => string | null;

/**
 * How long the server asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
 * @param now milliseconds since the epoch
 */
export const retryAfterMs = (header: HeaderReader, now: number): number | undefined => {
  const bounded = (value: number): number => Math.min(Math.max(Math.ceil(value), 0), RETRY_AFTER_MAX_MS);
  const milliseconds = header('retry-after-ms')?.trim();
  if (milliseconds && Number.isFinite(Number(milliseconds))) return bounded(Number(milliseconds));
  const after = header('retry-after')?.trim();
  if (!after) return undefined;
  if (Number.isFinite(Number(after))) return bounded(Number(after) * 1000);
  const date = Date.parse(after);
  return Number.isFinite(date) ? bounded(date - now) : undefined;
};

const errorBody = z.looseObject({
  message: z.string().nullish().catch(null),
  code: z.union([z.string(), z.number()]).nullish().catch(null),
  type: z.string().nullish().catch(null),
});

interface ErrorWords {
  readonly message: string;
  readonly code: string;
  readonly type: string;
}

/** The words of an error body, whichever of the usual wrappings it has. */
const readWords = (body: unknown): ErrorWords => {
  let inner = body;
  for (const field of ['error', 'detail']) {
    if (typeof inner === 'object' && inner !== null && field in inner) {
      inner = (inner as Record<string, unknown>)[field];
    }
  }
  if (typeof inner === 'string') return { message: inner, code: '', type: '' };
  const parsed = errorBody.safeParse(inner);
  if (!parsed.success) return { message: '', code: '', type: '' };
  const { message, code, type } = parsed.data;
  return { message: message ?? '', code: String(code ?? ''), type: type ?? '' };
};

const QUOTA = /insufficient_quota|quota_exceeded|billing_hard_limit|billing_not_active|insufficient_balance/u;
const OVERFLOW_CODE = /context_length_exceeded|exceed_context_size/u;
const OVERFLOW_TEXT =
  /context (?:length|window|size)|prompt is too long|too many input tokens|maximum model length|max_tokens must be at least 1, got -/iu;
const NO_MODEL = /model_not_found|invalid_model/u;

const codeOf = (status: number, words: ErrorWords): ErrorCode => {
  const codes = `${words.code} ${words.type}`;
  if (NO_MODEL.test(codes)) return 'MODEL_UNKNOWN';
  // Some servers say it with a status of their own failures.
  if (OVERFLOW_CODE.test(codes)) return 'MODEL_CONTEXT_OVERFLOW';
  if (status === 402) return 'MODEL_QUOTA';
  if (status === 401 || status === 403) return 'MODEL_AUTH';
  if (status === 404) return 'MODEL_UNKNOWN';
  if (status === 429) return QUOTA.test(codes) ? 'MODEL_QUOTA' : 'MODEL_RATE_LIMITED';
  if (status === 408 || status === 504) return 'MODEL_TIMEOUT';
  if (status === 409 || status === 425 || status >= 500) return 'MODEL_SERVER';
  if (OVERFLOW_TEXT.test(words.message)) return 'MODEL_CONTEXT_OVERFLOW';
  return 'MODEL_BAD_REQUEST';
};

/** An error answer of a model server; `body` is parsed JSON, or its text, or undefined. */
export interface HttpFailure {
  readonly status: number;
  readonly header: HeaderReader;
  readonly body: unknown;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Keys that must not appear in the message. */
  readonly secrets?: readonly string[];
}

/** The error of the catalogue for an answer with an error status; `details` has `status` and perhaps `retryAfterMs`, `limits`. */
export const httpError = (failure: HttpFailure): MegactorError => {
  const words = readWords(failure.body);
  const code = codeOf(failure.status, words);
  const wait = retryAfterMs(failure.header, failure.now);
  const limits = readLimits(failure.header);
  const said = words.message.trim();
  const message = redact(
    `the model server answered ${failure.status}${said === '' ? '' : `: ${said}`}`,
    failure.secrets,
  );
  const pathIsWrong = code === 'MODEL_UNKNOWN' && !/model/iu.test(`${words.code} ${said}`);
  return new MegactorError(code, message, {
    ...(pathIsWrong ? { hint: 'Nothing answers at this path. OPENAI_BASE_URL usually ends with /v1.' } : {}),
    details: {
      status: failure.status,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
      ...(limits === null ? {} : { limits }),
    },
  });
};
