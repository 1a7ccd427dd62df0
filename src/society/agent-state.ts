/** The state of one agent as the journal keeps it: `inspect`, the report and a resumed run read it from there. */
import { z } from 'zod';
import { checklistItemSchema } from './checklist.ts';
import { approvalKindSchema } from './questions.ts';
import { limitsSchema } from './limits.ts';

const counter = z.int().nonnegative();

export const agentCountersSchema = z.object({
  turns: counter,
  steps: counter,
  /** Answers received. */
  calls: counter,
  /** Answers that no language model made. */
  syntheticCalls: counter,
  /** Calls that were made again after a crash, because no answer had been journaled. */
  repeatedCalls: counter,
  /** Mails sent, one per receiver. */
  messages: counter,
  tools: counter,
  toolErrors: counter,
  repairs: counter,
  inputTokens: counter,
  cachedInputTokens: counter,
  outputTokens: counter,
});

export type AgentCounters = z.output<typeof agentCountersSchema>;

export const zeroCounters = (): AgentCounters => ({
  turns: 0,
  steps: 0,
  calls: 0,
  syntheticCalls: 0,
  repeatedCalls: 0,
  messages: 0,
  tools: 0,
  toolErrors: 0,
  repairs: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
});

/** What an agent needs to know of its run; the same for every agent. */
export const agentSettingsSchema = z.object({
  run: z.string(),
  /** The goal on one line, clipped. */
  goal: z.string(),
  reviews: z.boolean(),
  /** What is handed in is checked before it is reviewed. */
  checks: z.boolean().optional(),
  /** Services of the run beyond those that every run has: tools that need one are offered only with it. */
  services: z.array(z.string()).optional(),
  /** Services that share the memories; absent: one. */
  memoryOwners: z.int().positive().optional(),
  /** Prompts of the run's own, by name; the others are as they come. */
  prompts: z.record(z.string(), z.string()).optional(),
  limits: limitsSchema,
  /** What a person has to allow before it is done. */
  approve: z.array(approvalKindSchema).optional(),
  temperature: z.number().optional(),
  maxTokens: z.int().optional(),
  /** False: what falls out of the window is not summed up. */
  compaction: z.boolean().optional(),
  pollIntervalMs: z.object({ boss: counter, admin: counter, ordinary: counter }),
});

export type AgentSettings = z.output<typeof agentSettingsSchema>;

/** How long an idle agent waits for more reports before it spends a call, at most, by default. */
export const defaultPollIntervalMs: AgentSettings['pollIntervalMs'] = { boss: 1_000, admin: 1_000, ordinary: 0 };

export const LEVELS = ['boss', 'admin', 'ordinary'] as const;
export type Level = (typeof LEVELS)[number];

/** The budget that does not reach for an agent's next call. */
export const budgetHoldSchema = z.object({
  /** `group/NAME` or `agent/NAME`. */
  scope: z.string(),
  what: z.enum(['calls', 'tokens', 'usd']),
  /** How large it was. */
  limit: z.number(),
});

export type BudgetHold = z.output<typeof budgetHoldSchema>;

export const agentStateSchema = z.object({
  name: z.string(),
  /** How it is equipped: as an Admin also when it may hire and has not. What it is, the roster says. */
  level: z.enum(LEVELS),
  depth: counter,
  settings: agentSettingsSchema,
  /** The agents above it when it was hired, the Boss first. */
  above: z.array(z.string()).default([]),
  /** Slots when it was hired. */
  slots: counter,
  /** What it waits for more of: until it hears of that it reads its mail and does not act. */
  held: budgetHoldSchema.nullable().default(null),
  /** An answer whose calls wait for the person's consent; the turn in progress goes on with it. */
  waits: z
    .object({
      /** The number of the approval. */
      question: counter,
      /** The calls that need it, by their place. */
      asked: z.array(counter),
      /** Mail came meanwhile: the agent goes on after the calls. */
      mail: z.boolean(),
      answer: z.object({
        content: z.string().nullable(),
        class: z.enum(['tools', 'prose', 'refusal', 'empty', 'truncated', 'filtered', 'bad-json']),
        toolCalls: z.array(
          z.object({
            id: z.string(),
            type: z.literal('function'),
            function: z.object({ name: z.string(), arguments: z.string() }),
          }),
        ),
      }),
    })
    .optional(),
  phase: z.enum(['idle', 'processing', 'responding', 'finished', 'failed', 'retired']),
  checklist: z.array(checklistItemSchema),
  counters: agentCountersSchema,
  /** The stable prompt until the first step has put it into the history; then null. */
  prompt: z.string().nullable(),
  /** The turn in progress: it survives a crash between two steps. */
  turn: z
    .object({
      steps: counter,
      repairs: counter,
      /** The batch was nothing but texts that others ended their turns with. */
      handbacksOnly: z.boolean(),
      /** A tool was called in this turn. */
      acted: z.boolean(),
      /** Requests in a row that were too long for the model. */
      overflows: counter,
      /** Answers in a row that could not be used, and what was said of them: not in the history yet. */
      unusable: z.array(z.object({ role: z.enum(['assistant', 'user']), content: z.string() })).optional(),
      /** Where the mail that it began with stands in the history. */
      began: counter.optional(),
      /** What the memory gave for that mail, as lines; absent: it was not asked. */
      reminders: z.array(z.string()).optional(),
      /** To be asked once more, when the meaning of the mail is known; false: it was. */
      remindAgain: z.boolean().optional(),
    })
    .nullable(),
  /** The last mail of a quiet moment that it has read, by number: what comes again is not read again. */
  quietSeen: counter,
  /** Where the recent window of the history begins. */
  windowStart: counter,
  /** Size of that window in estimated tokens; less when a request was too long for the model. */
  windowTokens: z.number().positive(),
  /** The history before it is in the memory. */
  remembered: counter.default(1),
  /** What stands for the history up to `until`, an index; null until something has fallen out of the window. */
  summary: z.object({ text: z.string(), until: counter }).nullable(),
  /** Hashes of the last calls, newest last. */
  recentCalls: z.array(z.string()),
  files: z.array(z.string()),
  /** What those files were before it changed them, where that is known: a blob id, or null when they were not there. */
  origins: z.record(z.string(), z.string().nullable()).optional(),
  /** The program that it has started and has not seen the end of. */
  program: z.string().nullable().default(null),
  hired: counter,
  /** Programs that it ran last. */
  programs: z.array(z.object({ path: z.string(), exitCode: z.int().nullable() })).optional(),
  /** Marks of the messages it sent lately, newest last. */
  sent: z.array(z.string()).optional(),
  /** The first of its answers that could not be used: what was wrong with it, clipped. */
  repaired: z.string().optional(),
  /** Answers before that which are not shown any more, by their place in the history. */
  omitted: z.array(counter).optional(),
  /** How often a fresh agent took its place. */
  replaced: counter.optional(),
});

export type AgentState = z.output<typeof agentStateSchema>;

/** Sums the counters of many agents. */
export const sumCounters = (states: Iterable<Pick<AgentState, 'counters'>>): AgentCounters => {
  const total = zeroCounters();
  for (const { counters } of states) {
    for (const key of Object.keys(total) as (keyof AgentCounters)[]) total[key] += counters[key];
  }
  return total;
};
