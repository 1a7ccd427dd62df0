/**
 * Many agents with memories of their own, words alone: adds, the first recall of each after a restart, and recalls when all
 * are in memory. Started with its settings as one JSON argument; the last line is the result.
 *
 * 1. An add counts when it is committed. Every recall must find what it asks for.
 * 2. Memory is what the process has allocated, of the memories alone: before the first recall the store has everything and
 *    the memory nothing.
 */
import { z } from 'zod';
import { seededRandom, systemClock } from '../../src/platform/index.ts';
import { ownMemoryMb } from '../harness/proc.ts';
import { runSubject } from '../harness/program.ts';
import { heapBytes } from '../savina/heap.ts';
import { openJournaled } from './journaled.ts';
import { UNDER_WAY } from './settings.ts';
import { memoryText, queryText } from './texts.ts';

export const agentsSettingsSchema = z.strictObject({
  directory: z.string(),
  seed: z.int(),
  agents: z.int().positive(),
  memories: z.int().positive(),
  recalls: z.int().positive(),
});

export const agentsRunSchema = z.strictObject({
  addsPerSecond: z.number().positive(),
  firstP50Ms: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** Per 1,000 memories in memory. */
  kilobytes: z.number(),
  /** The same, as the operating system counts; null where it does not say. */
  residentKilobytes: z.number().nullable(),
});

export type AgentsSettings = z.infer<typeof agentsSettingsSchema>;
export type AgentsRun = z.infer<typeof agentsRunSchema>;

export const quantile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
};

const scopeOf = (agent: number): string => `agent/Agent-${agent}`;

export const measureAgents = async (settings: AgentsSettings): Promise<AgentsRun> => {
  const { directory, seed, agents, memories, recalls } = settings;
  const random = seededRandom(seed);
  const writing = await openJournaled(directory, null);
  const total = agents * memories;
  const startedAt = systemClock.monotonic();
  let next = 0;
  const add = async (): Promise<void> => {
    while (next < total) {
      const number = next;
      next += 1;
      const agent = number % agents;
      const memory = { scope: scopeOf(agent), when: number, kind: 'said', agent: `Agent-${agent}` } as const;
      const text = memoryText(random, number);
      await writing.memory.add([{ ...memory, text }], { effectId: `Agent-${agent}/${number}/remember` });
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, add));
  const addsPerSecond = total / ((systemClock.monotonic() - startedAt) / 1_000);
  await writing.close();

  const reading = await openJournaled(directory, null);
  const { memory } = reading;
  const heapBefore = heapBytes() + process.memoryUsage().arrayBuffers;
  const residentBefore = ownMemoryMb();
  const recall = async (agent: number, query: string, found?: string): Promise<number> => {
    const at = systemClock.monotonic();
    const { memories: recalled } = await memory.recall({ scopes: [scopeOf(agent)], query });
    const ms = systemClock.monotonic() - at;
    if (found !== undefined && recalled[0]?.text.endsWith(found) !== true) throw new Error(`${found} was not found`);
    return ms;
  };
  const first: number[] = [];
  for (let agent = 0; agent < agents; agent += 1) first.push(await recall(agent, `no-${agent}`, `no-${agent}`));
  const bytes = heapBytes() + process.memoryUsage().arrayBuffers - heapBefore;
  const resident = ownMemoryMb();
  const times: number[] = [];
  for (let count = 0; count < recalls; count += 1) {
    const agent = Math.floor(random() * agents);
    const number = agent + agents * Math.floor(random() * memories);
    const isNamed = count % 10 === 0;
    const query = isNamed ? `${queryText(random)} no-${number}` : queryText(random);
    times.push(await recall(agent, query, isNamed ? `no-${number}` : undefined));
  }
  await reading.close();
  return {
    addsPerSecond,
    firstP50Ms: quantile(first, 0.5),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    kilobytes: bytes / 1_000 / (total / 1_000),
    residentKilobytes:
      resident === null || residentBefore === null ? null : ((resident - residentBefore) * 1_024) / (total / 1_000),
  };
};

if (import.meta.main) await runSubject(agentsSettingsSchema, measureAgents);
