/** The provider that is played in a process refuses and says what `rehearsal-server` would. */
import { expect, test } from 'vitest';
import { parseRehearsalOptions } from '../../src/model/index.ts';
import { createRehearsedProvider } from '../../src/model/rehearsal-server/provider.ts';
import { ManualClock } from './support/manual-clock.ts';
import { never, request } from './support/puppet.ts';

const rehearsal = (raw: unknown) => parseRehearsalOptions(raw, 1);

test('a call beyond the limit gets 429 with what the window holds; after it the next is answered', async () => {
  const clock = new ManualClock();
  const provider = createRehearsedProvider(rehearsal({ latencyMs: 100 }), {
    name: 'openai:any',
    clock,
    limits: { requests: 1, tokens: null, quota: null, windowMs: 1_000 },
    timeoutMs: 5_000,
  });
  const readings: unknown[] = [];
  const first = provider.complete(request('a'), never, { onLimits: (limits) => readings.push(limits) });
  await expect(provider.complete(request('b'), never)).rejects.toMatchObject({
    code: 'MODEL_RATE_LIMITED',
    details: { retryAfterMs: 1_000, limits: { requests: { limit: 1, remaining: 0 } } },
  });
  await clock.advance(100);
  await expect(first).resolves.toMatchObject({ synthetic: true, latencyMs: 100 });
  expect(readings).toEqual([{ requests: { limit: 1, remaining: 0, resetMs: 1_000 }, tokens: null }]);
  await clock.advance(900);
  const later = provider.complete(request('b'), never);
  await clock.advance(100);
  await expect(later).resolves.toMatchObject({ model: 'rehearsal' });
});

test('an answer that does not come is a timeout after the time of its caller', async () => {
  const clock = new ManualClock();
  const provider = createRehearsedProvider(rehearsal({ failures: { timeout: 1 } }), {
    name: 'openai:any',
    clock,
    timeoutMs: 7_000,
  });
  let failed: unknown = null;
  provider.complete(request('a'), never).catch((error: unknown) => (failed = error));
  await clock.advance(6_999);
  expect(failed).toBeNull();
  await clock.advance(1);
  expect(failed).toMatchObject({ code: 'MODEL_TIMEOUT' });
});
