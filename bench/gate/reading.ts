/**
 * What the samples of a server say. Pure.
 *
 * 1. Time begins with the first call. Windows are counted from the middle of the server's first one, so that those that
 *    begin a little late still lie within.
 */
import type { Sample } from './server.ts';

/** The last sample before anything had come; everything is measured from there. */
const beginning = (samples: readonly Sample[]): number => {
  const first = samples.findIndex(({ calls, rejected }) => calls + rejected > 0);
  if (first === -1) throw new Error('no call reached the server');
  return samples[first]?.atMs ?? 0;
};

/** The last sample that was taken at `atMs` or before. @throws Error when the samples end before it */
const sampleAt = (samples: readonly Sample[], atMs: number): Sample => {
  const last = samples.at(-1);
  const found = samples.findLast((sample) => sample.atMs <= atMs);
  if (last === undefined || found === undefined || last.atMs < atMs) {
    throw new Error('it ended before there was enough to measure');
  }
  return found;
};

export interface LimitsPerWindow {
  readonly windowMs: number;
  readonly requests: number;
  readonly tokens: number;
  /** Counted after the first. */
  readonly windows: number;
}

export interface Admitted {
  /** Of each window, the part of the limit that was reached first; the mean over the windows. */
  readonly goodput: number;
  /** Of what came after the first window. */
  readonly rejected: number;
  readonly byAgent: Readonly<Record<string, number>>;
}

/** How long there has to be work for this to be measured. */
export const limitsDurationMs = ({ windowMs, windows }: LimitsPerWindow): number => (windows + 2) * windowMs;

const difference = (
  later: Readonly<Record<string, number>>,
  earlier: Readonly<Record<string, number>>,
): Record<string, number> =>
  Object.fromEntries(Object.entries(later).map(([name, count]) => [name, count - (earlier[name] ?? 0)]));

export const admitted = (samples: readonly Sample[], limits: LimitsPerWindow): Admitted => {
  const { windowMs, windows } = limits;
  const start = beginning(samples);
  const edges = Array.from({ length: windows + 1 }, (_, index) => sampleAt(samples, start + (index + 1.5) * windowMs));
  const shares = edges.slice(1).map((edge, index) => {
    const before = edges[index] ?? edge;
    return Math.max((edge.calls - before.calls) / limits.requests, (edge.tokens - before.tokens) / limits.tokens);
  });
  const first = sampleAt(samples, start + windowMs);
  const last = edges.at(-1) ?? first;
  const from = edges[0] ?? first;
  const rejected = last.rejected - first.rejected;
  return {
    goodput: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    rejected: rejected / Math.max(1, last.calls - first.calls + rejected),
    byAgent: difference(last.byAgent, from.byAgent),
  };
};

/**
 * What everybody but the heavy ones got, of what they would get if all shared evenly. All of them want more than that,
 * so that even shares are the max–min fair ones.
 */
export const fairShare = (byAgent: Readonly<Record<string, number>>, agents: number, heavy: number): number => {
  const all = Object.values(byAgent).reduce((sum, count) => sum + count, 0);
  const others = Array.from({ length: agents - heavy }, (_, index) => byAgent[`Agent-${heavy + index + 1}`] ?? 0);
  return others.reduce((sum, count) => sum + count, 0) / ((all * others.length) / agents);
};

export interface Outage {
  readonly afterMs: number;
  readonly lengthMs: number;
}

export interface Recovery {
  /** Calls a second in the two before the outage. */
  readonly before: number;
  readonly during: number;
  /** In the first second after it. */
  readonly firstSecond: number;
  /** From the end of the outage to the first call that was answered. */
  readonly silentSeconds: number;
  /** Calls a second, from the first that was answered until a tenth of all was left. */
  readonly after: number;
}

const BEFORE_MS = 2_000;
const SECOND_MS = 1_000;

export const recovery = (samples: readonly Sample[], { afterMs, lengthMs }: Outage): Recovery => {
  const start = beginning(samples);
  const outAt = start + afterMs;
  const backAt = outAt + lengthMs;
  const at = (ms: number): Sample => sampleAt(samples, ms);
  const good = (sample: Sample): number => sample.calls - sample.out;
  const out = at(outAt);
  const back = at(backAt);
  const early = at(outAt - BEFORE_MS);
  const answered = samples.find((sample) => sample.atMs > backAt && good(sample) > good(back));
  if (answered === undefined) throw new Error('nothing was answered after the outage');
  const left = good(samples.at(-1) ?? answered) - good(answered);
  const nearEnd =
    samples.find((sample) => sample.atMs > answered.atMs && good(sample) - good(answered) >= 0.9 * left) ?? answered;
  const seconds = Math.max(nearEnd.atMs - answered.atMs, 1) / SECOND_MS;
  return {
    before: ((good(out) - good(early)) * SECOND_MS) / BEFORE_MS,
    during: back.calls - out.calls,
    firstSecond: at(backAt + SECOND_MS).calls - back.calls,
    silentSeconds: (answered.atMs - backAt) / SECOND_MS,
    after: (good(nearEnd) - good(answered)) / seconds,
  };
};
