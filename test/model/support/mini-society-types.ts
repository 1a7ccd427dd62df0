/** The shapes of the mini society: its members, its options, what a run of it gives. */
import type { RehearsalOptions, SubmittedPlan } from '../../../src/model/rehearsal/index.ts';

export type Json = Record<string, unknown>;
export type Result = Json & { ok: boolean };

export interface Member {
  readonly name: string;
  readonly level: 'Boss' | 'Admin' | 'Ordinary';
  readonly supervisor: string;
  readonly prompt: string;
  slots: number;
  readonly subordinates: string[];
  readonly history: Json[];
  inbox: string[];
  inTurn: boolean;
  steps: number;
  status: 'working' | 'review' | 'finished';
  round: number;
  checklist: { status: string; evidence?: string }[];
  evidence: boolean;
  nudges: number;
  woken: boolean;
  calls: number;
  hired: boolean;
}

/** Stands in for a tool: its result, or null to let it run. */
export type Intervention = (agent: string, tool: string, args: Json) => Result | null;

export interface SocietyOptions {
  readonly agents: number;
  readonly rehearsal: RehearsalOptions;
  /** Of the order of everything. */
  readonly order: number;
  readonly reviews?: boolean;
  /** Called before a tool runs; a result stands in for the tool's. */
  readonly intervene?: Intervention;
  /** Called for every failure on purpose. */
  readonly onFailure?: (kind: string, agent: string) => void;
  readonly callsPerAgentMax?: number;
  readonly goal?: string;
}

export interface SocietyResult {
  readonly ended: boolean;
  readonly members: ReadonlyMap<string, Member>;
  readonly files: ReadonlyMap<string, string>;
  readonly authors: ReadonlyMap<string, ReadonlySet<string>>;
  readonly calls: number;
  readonly tools: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<string, number>>;
  /** How many answers without tool calls there were, waiting texts not counted. */
  readonly texts: number;
  readonly nudges: number;
  readonly plan: SubmittedPlan;
}

export const TOOLS = {
  lead: ['add_agent', 'review'],
  all: ['talk', 'read_file', 'write_file', 'append_file', 'list_files', 'change_task_status', 'terminate'],
};
export const toolSpecs = (names: readonly string[]) =>
  names.map((name) => ({ type: 'function', function: { name, description: name, parameters: { type: 'object' } } }));

export const fail = (code: string, rest: Json = {}): Result => ({
  ok: false,
  error: { code, message: code, hint: '', ...rest },
});
