/**
 * Scripted models: a playbook says what every agent answers, and a real society does the rest, so that its result is known
 * beforehand. Latency, token counts and failures on the way are the rehearsal's. What it does not do: know any playbook.
 *
 * Invariants: P1 An answer is a function of the request alone: who asks, its mail, its own earlier actions with their
 * results, and the tools it is offered. So a run that was killed and resumed plays on. P2 Every answer says that it is
 * synthetic, and names the playbook.
 */
import type { Clock } from '../platform/index.ts';
import { createRehearsal, type Decision, type Progress, type RehearsalOptions } from './rehearsal/index.ts';
import type { ChatModel } from './types.ts';

/** What a playbook asks of a run; options that the user gives go before it. */
export interface PlaybookOptions {
  readonly maxAgents?: number;
  /** With fewer agents it cannot be played. */
  readonly agentsMin?: number;
  readonly review?: 'model' | 'none';
  /** Whether its agents run programs: then they have a sandbox where one works. */
  readonly programs?: boolean;
  /** From a request to its answer. Default 50. */
  readonly latencyMs?: number;
}

/** What there is to know of a playbook without loading it. */
export interface PlaybookCard {
  /** As in `--model playbook:NAME`: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** A few words, for lists. */
  readonly title: string;
  /** What happens in it, in a sentence or two. */
  readonly about: string;
  readonly goal: string;
  readonly options: PlaybookOptions;
}

export interface PlaybookRequest {
  /** Who asks: an agent's name, or `_planner`. */
  readonly agent: string;
  /** Its place, mail and earlier actions. */
  readonly progress: Progress;
  readonly offered: ReadonlySet<string>;
  /** Of the run. */
  readonly seed: number;
}

export interface Playbook {
  readonly card: PlaybookCard;
  /** What the agent answers. Pure. */
  respond(request: PlaybookRequest): Decision;
}

/** The name of a playbook's model. */
export const modelOfPlaybook = ({ name }: PlaybookCard): string => `playbook:${name}`;

/** A model that plays `playbook`. @param options of the rehearsal; its scenario and shape are not used */
export const createScripted = (
  playbook: Playbook,
  options: RehearsalOptions,
  surroundings: { clock?: Clock; timeoutMs?: number } = {},
): ChatModel =>
  createRehearsal(options, surroundings, {
    name: modelOfPlaybook(playbook.card),
    decide: (agent, progress, offered) => playbook.respond({ agent, progress, offered, seed: options.seed }),
  });
