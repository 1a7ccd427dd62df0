/** What a system that does not come to rest looks like from outside, as words. Waits for nobody for long. */
import type { ActorSystem } from '../../src/runtime/index.ts';

const LOOK_LIMIT_MS = 20_000;

const look = async (what: string, looking: Promise<unknown>): Promise<string> => {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve('no answer'), LOOK_LIMIT_MS);
  const seen = looking.catch((thrown: unknown) => String(thrown));
  const value = await Promise.race([seen, late.promise]);
  clearTimeout(timer);
  return `${what} ${JSON.stringify(value)}`;
};

/** @param waiting whom somebody waits for */
export const lookInto = async (system: ActorSystem | null, waiting: readonly string[]): Promise<string> => {
  if (system === null) return 'the system has not started';
  const { hostStates, hostDeaths, total } = system.stats();
  const parts = [
    `waiting for: ${waiting.join('; ')}`,
    `hosts ${JSON.stringify(hostStates)}, ${hostDeaths} deaths`,
    `counters ${JSON.stringify(total)}`,
    await look('unconsumed in the journal:', system.journal?.pending() ?? Promise.resolve(0)),
    await look('actors', system.survey()),
  ];
  return parts.join('\n  ');
};
