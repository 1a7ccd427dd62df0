/**
 * Every structural limit of a society, in one place, with its default. What it does not do: enforce them; the roster,
 * the agents and the planner read them from here.
 */
import { z } from 'zod';

const count = (fallback: number, most = 1_000_000): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(1).max(most).default(fallback);

export const limitsSchema = z.strictObject({
  /** Agents in a run, the Boss included. */
  agentsMax: count(100),
  /** Levels below the Boss. */
  depthMax: count(6, 64),
  /** Direct subordinates of one agent. */
  fanOutMax: count(128, 10_000),
  stepsPerTurnMax: count(20, 1_000),
  turnsPerAgentMax: count(200),
  nudgesPerAgentMax: count(3, 100),
  reviewRoundsMax: count(3, 100),
  /** How often the person responsible is asked again for a review that is due. */
  reviewAsksMax: count(3, 100),
  finalReviewsMax: count(3, 100),
  repairsPerAnswerMax: count(3, 20),
  /** Fresh agents in the place of one that refuses or says nothing. */
  replacementsPerAgentMax: count(2, 20),
  planAttemptsMax: count(3, 20),
  toolCallsPerAnswerMax: count(200, 10_000),
  /** Questions to the person that one agent, and all of them, may have open; and how long one is. */
  questionsPerAgentMax: count(5, 1_000),
  questionsMax: count(100, 100_000),
  questionCharsMax: count(2_000, 100_000),
  checklistItemsMax: count(100, 10_000),
  talkMessagesMax: count(128, 10_000),
  /** The same call so often within the last few answers is a repetition. */
  repetitionMax: count(4, 100),
  /** How often its supervisor is told that an agent repeats itself, or cannot be understood. After that it is let go. */
  stuckReportsPerAgentMax: count(5, 100),
  promptCharsMax: count(20_000),
  messageCharsMax: count(20_000),
  fileCharsMax: count(1_000_000, 100_000_000),
  /** How much of a file or a tool's result a model gets to see at once. */
  resultCharsMax: count(60_000, 10_000_000),
  /** The recent window of an agent's history, in estimated tokens. */
  historyTokensMax: count(120_000, 100_000_000),
  /** The summary of what has fallen out of that window, in estimated tokens. */
  summaryTokensMax: count(2_000),
  /** What an agent is reminded of from its memory, in estimated tokens. */
  recallTokensMax: count(1_000),
  /** One model call on the wire, over all its requests. */
  callDeadlineMs: count(300_000, 86_400_000),
  /** One model call with its waiting in the gate: with many agents behind a small server, hours are normal. */
  callWaitMs: count(86_400_000, 604_800_000),
  /** One call of another service. */
  serviceDeadlineMs: count(60_000, 86_400_000),
});

export type Limits = z.output<typeof limitsSchema>;
export type LimitsInput = z.input<typeof limitsSchema>;

export const defaultLimits: Limits = limitsSchema.parse({});

/** The defaults with `overrides`. @throws ZodError */
export const limitsWith = (overrides: LimitsInput = {}): Limits => limitsSchema.parse(overrides);
