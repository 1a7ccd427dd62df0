/**
 * What a server's headers say about its limits: those of OpenAI and of what follows it (`x-ratelimit-limit-requests`,
 * `-remaining-`, `-reset-`, the same for tokens). What it does not do: `Retry-After` (`http-error.ts`).
 */
import type { HeaderReader } from '../http-error.ts';
import type { LimitReading, LimitReadings } from './rate-limit.ts';

/** Nobody is believed who says that a window is longer than this. */
const RESET_MAX_MS = 86_400_000;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1m30.5s`, `20ms`, `6m0s`, or plain seconds → milliseconds; undefined for anything else. */
export const durationMs = (text: string): number | undefined => {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (/^\d+(?:\.\d+)?$/u.test(trimmed)) return bounded(Number(trimmed) * 1_000);
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/u.test(trimmed)) return undefined;
  let sum = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gu)) {
    sum += Number(number) * (UNITS[unit ?? ''] ?? 0);
  }
  return bounded(sum);
};

const bounded = (milliseconds: number): number => Math.min(Math.ceil(milliseconds), RESET_MAX_MS);

const reading = (header: HeaderReader, what: 'requests' | 'tokens'): LimitReading | null => {
  const limit = Number(header(`x-ratelimit-limit-${what}`) ?? Number.NaN);
  const remaining = Number(header(`x-ratelimit-remaining-${what}`) ?? Number.NaN);
  const resetMs = durationMs(header(`x-ratelimit-reset-${what}`) ?? '');
  if (!Number.isFinite(limit) || limit <= 0 || !Number.isFinite(remaining) || resetMs === undefined) return null;
  return { limit, remaining: Math.max(0, Math.min(remaining, limit)), resetMs };
};

/** null when the headers say nothing about limits. */
export const readLimits = (header: HeaderReader): LimitReadings | null => {
  const requests = reading(header, 'requests');
  const tokens = reading(header, 'tokens');
  return requests === null && tokens === null ? null : { requests, tokens };
};
