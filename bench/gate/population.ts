/**
 * A population of durable agents against a model server, through the model service and its gate, as a run has them.
 * Started with its settings as one JSON argument; the last line is what it cost.
 *
 * 1. Time, CPU and calls are from the spawn of the agents, in one commit with the mail that wakes them, until the last of
 *    them is done, or until the time is over. The start of the threads is not in them.
 */
import { z } from 'zod';
import { spawnOptionsOf, type AgentInit } from '../../actors/agent-types.ts';
import { MODEL } from '../../actors/run-services.ts';
import type { Outgoing } from '../../src/journal/index.ts';
import { entryUrl, systemClock } from '../../src/platform/index.ts';
import type { ServiceSpec } from '../../src/protocol/service.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { modelConfigFields } from '../../src/run/model-settings.ts';
import { limitsWith, USER, type AgentMail, type AgentSettings } from '../../src/society/index.ts';
import { chatter } from './actors.ts';
import { MAIL, promptOf } from './chat.ts';
import { begin, costSchema, type Cost } from './cost.ts';
import { runSubject } from '../harness/program.ts';

export const populationSettingsSchema = z.strictObject({
  directory: z.string(),
  model: z.string(),
  /** With `/v1`. */
  baseUrl: z.string(),
  agents: z.int().positive(),
  /** Model calls of each agent. */
  calls: z.int().positive(),
  /** Everybody on shard 0. */
  oneShard: z.boolean(),
  /** The first so many names are those of `factor` agents each. */
  heavy: z.strictObject({ agents: z.int().nonnegative(), factor: z.int().positive() }).nullable(),
  config: z.strictObject(modelConfigFields),
  /** null: until all are done. */
  durationMs: z.int().positive().nullable(),
  shards: z.int().positive(),
  threads: z.int().positive().nullable(),
});

export type PopulationSettings = z.infer<typeof populationSettingsSchema>;

export const populationResultSchema = costSchema.extend({
  /** Of the model calls, sorted. */
  latenciesMs: z.array(z.number()),
  /** Requests beyond the first of a call. */
  repetitions: z.int(),
  /** Why the gate stopped before the end, if it did. */
  stopped: z.string().nullable(),
});

export type PopulationResult = z.infer<typeof populationResultSchema>;

const STEPS_MAX = 1_000;
const CLOSE_MS = 10_000;
/** Beyond, latencies are those of the first calls. */
const LATENCIES_MAX = 100_000;

const agentSettings = (calls: number): AgentSettings => ({
  run: 'bench',
  goal: 'Count',
  reviews: false,
  limits: limitsWith({ stepsPerTurnMax: Math.min(STEPS_MAX, Math.max(20, calls + 1)) }),
  pollIntervalMs: { boss: 0, admin: 0, ordinary: 0 },
});

const initOf = (name: string, calls: number, settings: AgentSettings): AgentInit => ({
  name,
  level: 'ordinary',
  depth: 1,
  above: [],
  supervisor: USER,
  slots: 0,
  description: '',
  initialPrompt: promptOf(name, calls),
  files: [],
  planned: [],
  checklist: [],
  settings,
});

/** Names as requests carry them, one for each agent to be spawned. */
export const namesOf = ({ agents, heavy }: Pick<PopulationSettings, 'agents' | 'heavy'>): string[] =>
  Array.from({ length: agents }, (_, index) => `Agent-${index + 1}`).flatMap((name, index) =>
    heavy !== null && index < heavy.agents ? Array.from({ length: heavy.factor }, () => name) : [name],
  );

const outgoingOf = (system: ActorSystem, settings: PopulationSettings): Outgoing[] => {
  const about = agentSettings(settings.calls);
  return namesOf(settings).flatMap((name, index): Outgoing[] => {
    const init = initOf(name, settings.calls, about);
    const { name: _name, id: _id, ...options } = spawnOptionsOf(init, { id: 0, shard: 0 });
    const { shard, record, ref } = system.actorRecord(chatter, init, {
      ...options,
      name: `${name}-${index}`,
      shard: settings.oneShard ? 0 : index % settings.shards,
    });
    const body: AgentMail = { from: USER, kind: null, text: MAIL };
    return [
      { shard, entry: { kind: 'spawn', actor: record } },
      { shard, entry: { kind: 'mail', mail: { to: ref.id, from: null, type: 'mail', body } } },
    ];
  });
};

const servicesOf = (settings: PopulationSettings, agents: number): ServiceSpec[] => [
  { name: 'roster', module: entryUrl('./actors', import.meta.url).href, thread: 'services', options: { agents } },
  {
    name: 'model',
    module: entryUrl('../../src/run/services/model', import.meta.url).href,
    thread: 'model',
    options: { model: settings.model, seed: 1, baseUrl: settings.baseUrl, config: settings.config },
  },
];

const measurePopulation = async (settings: PopulationSettings): Promise<PopulationResult> => {
  const latenciesMs: number[] = [];
  let repetitions = 0;
  let stopped: string | null = null;
  const ended = Promise.withResolvers<void>();
  const system = await ActorSystem.start({
    shards: settings.shards,
    ...(settings.threads === null ? {} : { threads: settings.threads }),
    seed: 1,
    journal: { directory: settings.directory, durability: 'flushed' },
    services: servicesOf(settings, namesOf(settings).length),
    onEvent: (event) => {
      if (event.type !== 'modelCall') return;
      if (latenciesMs.length < LATENCIES_MAX) latenciesMs.push(Number(event['latencyMs']));
      repetitions += Number(event['attempts']) - 1;
    },
    onServiceMessage: (_service, message) => {
      const { kind, reason } = message as { kind: string; reason?: string };
      if (kind === 'model-stop') stopped = reason ?? kind;
      if (kind === 'all-ended' || kind === 'model-stop') ended.resolve();
    },
    onFailure: ({ error }) => ended.reject(error),
  });
  let spent: Cost;
  try {
    const outgoing = outgoingOf(system, settings);
    const cost = begin();
    await system.deliver(outgoing);
    // Whatever a model says, it is over when nobody has anything left to do: not all that end say so.
    const { journal } = system;
    journal?.onQuiet(() => {
      journal.pending().then((count) => {
        if (count === 0) ended.resolve();
      }, ended.reject);
    });
    if (settings.durationMs === null) await ended.promise;
    else await Promise.race([ended.promise, systemClock.sleep(settings.durationMs)]);
    const { calls } = await system.callService(MODEL, 'stats', {});
    spent = cost(calls);
    await system.quiesce();
    await system.callService(MODEL, 'drain', { deadlineMs: 0 });
  } finally {
    await system.stop({ deadlineMs: CLOSE_MS });
  }
  // The last events come while everything is stopped.
  return { ...spent, latenciesMs: latenciesMs.sort((left, right) => left - right), repetitions, stopped };
};

if (import.meta.main) await runSubject(populationSettingsSchema, measurePopulation);
