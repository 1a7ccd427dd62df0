/** What the modules of an agent share: its messages, its start, its definition, and a turn in progress. */
import type { ActorContext } from '../src/actor/context.ts';
import type { ActorDefinition, MessageSpec, SpawnOptions } from '../src/actor/definition.ts';
import type { ChatMessage } from '../src/model/types.ts';
import type { Toolbox } from './tools/index.ts';
import type { AgentMail, AgentSettings, AgentState, ChecklistItem, Level } from '../src/society/index.ts';

/** A type, not an interface, so that it is a `MessageMap`. */
// oxlint-disable-next-line typescript/consistent-type-definitions
export type AgentMessages = {
  readonly mail: MessageSpec<AgentMail, never>;
};

/** How an agent begins. Plain data; journaled with its spawn. */
export interface AgentInit {
  readonly name: string;
  /** How it is equipped: whoever may hire as an Admin. */
  readonly level: Level;
  /** Levels below the Boss. */
  readonly depth: number;
  /** The agents above it, the Boss first. */
  readonly above: readonly string[];
  /** `user` for the Boss. */
  readonly supervisor: string;
  /** How many agents it may hire, those below it included. */
  readonly slots: number;
  readonly description: string;
  readonly initialPrompt: string;
  readonly files: readonly string[];
  /** Direct subordinates that the plan has hired for it. */
  readonly planned: readonly string[];
  readonly checklist: readonly ChecklistItem[];
  readonly settings: AgentSettings;
}

export type AgentDefinition = ActorDefinition<AgentState, AgentInit, AgentMessages>;
export type AgentContext = ActorContext<AgentState>;

/** What the history of an agent consists of. */
export type HistoryEntry = ChatMessage;

/** The definitions that an agent hires with; looked up late, because they refer to each other. */
export type Recruits = () => { readonly admin: AgentDefinition; readonly ordinary: AgentDefinition };

/** One turn of one agent. */
export interface Turn {
  readonly state: AgentState;
  readonly ctx: AgentContext;
  readonly recruits: Recruits;
  readonly tools: Toolbox;
}

/** More often an agent is not restarted before a turn of it has ended well, however long each try took. */
const RESTARTS_IN_A_ROW_MAX = 8;

/** How long it waits for more mail before it knows how long a model call takes, at most. */
const FIRST_POLL_INTERVAL_MS = 20;

/** How every agent is spawned. */
export const spawnOptionsOf = (
  init: AgentInit,
  address: { readonly id: number; readonly shard: number },
): SpawnOptions => ({
  name: init.name,
  id: address.id,
  shard: address.shard,
  durable: true,
  restart: 'transient',
  intensity: { max: 3, withinMs: 60_000 },
  // A server may take minutes to fail a call, so that three failures within one never come.
  restartsInARowMax: RESTARTS_IN_A_ROW_MAX,
  backoff: { minMs: 100, maxMs: 5_000 },
  pollIntervalMs: Math.min(FIRST_POLL_INTERVAL_MS, init.settings.pollIntervalMs[init.level]),
});
