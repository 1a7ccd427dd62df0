/** What a run and its resumption refuse before anything is started. */
import { afterEach, expect, test, vi } from 'vitest';
import { resumedSettings, settingsOf } from '../../src/run/settings.ts';

const defaults = { workspace: 'w', seed: 1 };

afterEach(() => vi.unstubAllEnvs());

test('D5 a deterministic run is not resumed with a model that cannot repeat itself', () => {
  const settings = settingsOf({ deterministic: true }, defaults);
  expect(() => resumedSettings(settings, { config: { modelOf: { boss: 'openai:some' } } })).toThrow(
    /--deterministic goes with the rehearsal or a cassette, not with openai:some/u,
  );
  expect(() => resumedSettings(settings, { threads: 2 })).toThrow(/--deterministic has one thread, not 2/u);
  expect(resumedSettings(settings, { budgetCalls: 5 }).budget).toEqual({ calls: 5 });
});

test('the price of a model holds also where OPENAI_BASE_URL is set to nothing, and of no address that is none', () => {
  const options = { model: 'openai:gpt-4o', budgetUsd: 1 };
  vi.stubEnv('OPENAI_BASE_URL', '');
  expect(settingsOf(options, defaults).budget).toEqual({ usd: 1 });
  vi.stubEnv('OPENAI_BASE_URL', 'nowhere');
  expect(() => settingsOf(options, defaults)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
});
