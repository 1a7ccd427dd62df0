/** What a run takes and what it gives back: the types of `runSociety`, the command line and `--json`. */
import type { DurabilityLevel } from '../journal/shard-log.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { EventRecord } from '../protocol/event.ts';
import type {
  ApprovalKind,
  ChecklistItem,
  HumanQuestion,
  MissingCounts,
  Plan,
  ReportQuestion,
  TemplateName,
} from '../society/index.ts';
import type { BlamedLine, FileRow, FileVersion } from '../workspace/results.ts';

export type RunStatus = 'completed' | 'failed' | 'stopped' | 'paused';

export type RunReason =
  | 'done'
  | 'interrupted'
  | 'paused-by-user'
  | 'stopped-by-user'
  | 'budget-calls'
  | 'budget-tokens'
  | 'budget-usd'
  | 'deadline'
  | 'quota'
  | 'wrong-key'
  | 'human-questions'
  | `limit-${string}`
  | 'model-unreachable'
  | 'boss-failed'
  | 'journal-damaged'
  | 'disk'
  | 'internal';

/** Budgets of a run. One that is used up pauses it; it resumes with a larger one. */
export interface BudgetOptions {
  /** Answers of models. */
  readonly budgetCalls?: number;
  /** Input and output tokens together. */
  readonly budgetTokens?: number;
  /** US dollars; every model that may be called needs a price. */
  readonly budgetUsd?: number;
  /** Wall time over all processes of the run: `90s`, `30m`, `1.5h`, or milliseconds. */
  readonly deadline?: string | number;
}

/** Options of `run`; every one has a default. */
export interface RunOptions extends BudgetOptions {
  /** `openai:NAME`, `cassette:FILE`, `playbook:NAME` or `rehearsal` (default). */
  readonly model?: string;
  /** Records every answer to this file, for `cassette:FILE`. */
  readonly record?: string;
  /** Default `RUN_DIR/workspace`. */
  readonly workspace?: string;
  /** Default `runs/RUNID`. */
  readonly runDir?: string;
  readonly shards?: number;
  readonly threads?: number;
  readonly seed?: number;
  /** One turn at a time on a virtual clock: the same seed gives the same log. Only with the rehearsal. */
  readonly deterministic?: boolean;
  readonly durability?: DurabilityLevel;
  /** The Boss included. Default 100. */
  readonly maxAgents?: number;
  /** Who judges what is handed in: the supervisor's model; the same after cheap checks (`auto`); nobody. Default `model`. */
  readonly review?: 'model' | 'auto' | 'none';
  /**
   * Whether agents may run programs: `bwrap` in a sandbox, `none` without any, `off` not at all. Default: in a sandbox where
   * that works, else not at all; a rehearsal and a deterministic run: not at all.
   */
  readonly sandbox?: 'bwrap' | 'none' | 'off';
  /** Lets programs into the network of this machine. */
  readonly sandboxNetwork?: boolean;
  /** What finds memories by their meaning: `none` (default: words alone), `local` or `openai:NAME`. */
  readonly embedder?: string;
  /** What waits for your consent before it is done: `hires`, `programs`, `files`. Default: nothing. */
  readonly approve?: readonly ApprovalKind[];
  /** A rehearsal file (JSON), already parsed; checked with zod. */
  readonly rehearsal?: unknown;
  /** The content of `--config FILE`, already parsed; checked with zod. */
  readonly config?: unknown;
  /** The content of `--plan FILE`, already parsed; checked with zod. */
  readonly plan?: unknown;
  /** Start from the plan of this template instead of asking the model for one. */
  readonly template?: TemplateName;
  /** Prompts of the run's own: a folder with a file `NAME.md` for each, or texts by name. `megactor prompts` lists them. */
  readonly prompts?: string | Readonly<Record<string, string>>;
  /** Make the plan, write it to `plan.json`, and end: nobody is hired. */
  readonly planOnly?: boolean;
  /** Do not send the x-agent-id and x-run-id headers. */
  readonly noAgentHeaders?: boolean;
  /** First abort: pause (commit, resumable). */
  readonly signal?: AbortSignal;
  /**
   * Somebody is there to answer, until it aborts: a run in which only questions to the person are open waits for `tell`
   * instead of pausing. Default: it pauses.
   */
  readonly waitForAnswers?: AbortSignal;
}

/** Options of `resume`: what may differ from the run's own. */
export interface ResumeOptions extends BudgetOptions {
  readonly threads?: number;
  readonly durability?: DurabilityLevel;
  readonly config?: unknown;
  readonly signal?: AbortSignal;
  /** As for a new run. */
  readonly waitForAnswers?: AbortSignal;
}

/** The final line of `run` and `resume` with `--json`. */
export interface RunSummary {
  readonly runId: string;
  readonly status: RunStatus;
  readonly reason: RunReason;
  /** What ended or paused the run, where that was an error. */
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
  readonly seed: number;
  readonly model: string;
  readonly synthetic: boolean;
  readonly agents: number;
  readonly agentsByLevel: { readonly boss: number; readonly admin: number; readonly ordinary: number };
  readonly neverWoken: number;
  /** Whether the Boss was asked for the final review, and whether it approved; `none` also with reviews off. */
  readonly finalReview: 'none' | 'asked' | 'approved';
  /** What was wanted and is not there, by kind: how many, and the first few; `report.json` lists them all. */
  readonly missing: MissingCounts;
  readonly turns: number;
  readonly steps: number;
  readonly modelCalls: number;
  readonly repeatedCalls: number;
  readonly messages: number;
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number };
  /** null when no price is known. */
  readonly costUsd: number | null;
  readonly wallSeconds: number;
  readonly files: number;
  readonly commits: number;
  readonly nudges: number;
  readonly reviews: { readonly accept: number; readonly revise: number };
  readonly remedies: Readonly<Record<string, number>>;
  readonly restarts: number;
  readonly deadLetters: number;
  /** What programs of agents ran in: `none` is no sandbox at all. Absent when they could run none. */
  readonly sandbox?: 'bwrap' | 'none';
  /** `none`: there is no journal to go on from, whatever the status. Absent when there is one. */
  readonly durability?: 'none';
  /** Questions to the person that are open, oldest first; absent when there are none. */
  readonly questions?: readonly ReportQuestion[];
  /** What memories are found by beside their words: `none`, `local` or `openai:NAME`. */
  readonly embedder: string;
  readonly workspace: string;
  /** Paths at which something stood that was not the run's: it is in `.git/megactor/displaced/` now. Absent for none. */
  readonly displaced?: readonly string[];
  readonly runDir: string;
  /** With `planOnly`: the plan that was made. */
  readonly plan?: Plan;
}

export interface InspectedAgent {
  readonly name: string;
  readonly level: 'boss' | 'admin' | 'ordinary';
  readonly state: 'idle' | 'processing' | 'responding' | 'passive' | 'finished' | 'retired' | 'failed';
  /** The budget of its own or of its group that does not reach for its next call. */
  readonly waitsFor?: { readonly scope: string; readonly what: 'calls' | 'tokens' | 'usd'; readonly limit: number };
  /** What it has asked the person, oldest first. */
  readonly questions?: readonly HumanQuestion[];
  readonly mail: number;
  readonly checklist: { readonly open: number; readonly closed: number };
  readonly turns: number;
  readonly calls: number;
}

/** All that the journal has of one agent, for `inspect --agent`. */
export interface AgentDetail {
  readonly name: string;
  /** null for the Boss. */
  readonly supervisor: string | null;
  /** What it said when it terminated. */
  readonly summary: string | null;
  readonly checklist: readonly ChecklistItem[];
  /** Mail that waits, or that the step in progress has taken, oldest first; `seq` is its position in the inbox. */
  readonly mail: readonly {
    readonly seq: number;
    readonly from: string;
    readonly kind: string | null;
    readonly text: string;
  }[];
  /** Steps that have ended. */
  readonly steps: number;
  /** What a step has begun that has not ended: the mail it took, keys with a result, and keys called without one yet. */
  readonly inProgress: {
    readonly taken: readonly number[];
    readonly recorded: readonly string[];
    readonly intents: readonly string[];
  } | null;
  /** Messages of the conversation as the model sees them, oldest first. */
  readonly history: readonly unknown[];
  /** Recorded results of calls to the outside, oldest first, as far back as the log goes: to the start, or to `compact`. */
  readonly effects: readonly { readonly step: number; readonly key: string; readonly result: unknown }[];
  /** Times in milliseconds since the epoch; `periodMs` null: once. */
  readonly timers: readonly {
    readonly key: string;
    readonly dueMs: number;
    readonly periodMs: number | null;
    readonly type: string;
  }[];
}

/** The final line of `inspect --json`. */
export interface Inspection {
  readonly runId: string;
  readonly status: RunStatus | 'running' | 'killed';
  readonly agents: readonly InspectedAgent[];
  /** What the person is asked, oldest first; a plan that waits for consent has the number 0. Absent when there is nothing. */
  readonly questions?: readonly ReportQuestion[];
  readonly logHash: string;
  /** With `--agent`: the one agent, which is also the only one of `agents`. */
  readonly agent?: AgentDetail;
}

export interface InspectOptions {
  /** The name of one agent: the inspection has that one alone, with all that is known of it. */
  readonly agent?: string | undefined;
}

export interface FilesOptions {
  /** The history of one file. */
  readonly log?: string | undefined;
  /** The lines of one file with the commits that they come from. */
  readonly blame?: string | undefined;
}

/** The final line of `files --json`. */
export interface RunFiles {
  readonly runId: string;
  readonly status: Inspection['status'];
  readonly workspace: string;
  readonly branch: string;
  /** By path. `commit` null: not in git yet, or not known; a run without a journal knows no authors and sizes (−1). */
  readonly files: readonly FileRow[];
  readonly log?: { readonly path: string; readonly versions: readonly FileVersion[] };
  readonly blame?: { readonly path: string; readonly lines: readonly BlamedLine[] };
}

/** The final line of `compact --json`. */
export interface Compacted {
  readonly runId: string;
  /** Of the journal's data. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** What the journal does not hold any more: appends of its step logs, and mail, signals and spawns that were consumed. */
  readonly cut: { readonly appends: number; readonly arrivals: number };
  /** As `inspect` says it, before and after. */
  readonly logHash: string;
}

/** Where a replay first differs from the log. */
export interface Divergence {
  readonly shard: number;
  /** Of the append in the log of the shard. */
  readonly position: number;
  readonly actor: string;
  readonly step: number;
  /** The part of the step, and the place in it. */
  readonly what: string;
  readonly path: string;
  /** What the log has and what the replay came to, as JSON, cut short. */
  readonly expected: string;
  readonly actual: string;
}

/** The final line of `replay --json`. */
export interface Replay {
  /** Entries of all logs that were read, up to the divergence if there is one. */
  readonly entries: number;
  /** Of what was replayed; without a divergence what `inspect` says. */
  readonly logHash: string;
  readonly diverged: Divergence | null;
}

export interface ReplayOptions {
  /** Told now and then how many entries are done. */
  readonly onProgress?: (entries: number) => void;
  readonly signal?: AbortSignal;
}

/** What a `tell` has decided on a plan. */
export interface PlanDecided {
  /** Which of the plans that were shown, from 1. */
  readonly plan: number;
  readonly verdict: 'approve' | 'deny';
  /** Another plan is made when the run goes on; otherwise a plan that is refused ends it. */
  readonly another: boolean;
}

/** The final line of `tell`, `pause` and `stop` with `--json`. */
export interface SteeringResult {
  readonly runId: string;
  readonly command: 'tell' | 'pause' | 'stop';
  /** How the run stands now. `running` after `pause` or `stop`: it was asked and is still finishing its calls. */
  readonly status: Inspection['status'];
  /** Why it ended or paused; null while it runs. */
  readonly reason: RunReason | null;
  /** `none`: there is no journal to go on from. Absent when there is one. */
  readonly durability?: 'none';
  /** Who got the mail of `tell`. */
  readonly agent?: string;
  /** The questions that the mail answers, by number; absent when it answers none. */
  readonly answers?: readonly number[];
  /** Of a decision on the plan, which is question 0. */
  readonly decided?: PlanDecided;
}

/** What became of a `tell`. */
export interface Told {
  /** The questions that it answers, or decides on, by number; of a plan 0. Empty for mail that answers nothing. */
  readonly answers: readonly number[];
  /** Of a decision on the plan. */
  readonly decided?: PlanDecided;
}

/** Counters of a run in progress, read without waiting for anything. */
export interface RunProgress {
  readonly phase: 'planning' | 'working' | 'closing' | 'done';
  readonly agents: number;
  readonly turns: number;
  readonly steps: number;
  readonly modelCalls: number;
  readonly callsInFlight: number;
  readonly messages: number;
  readonly files: number;
  readonly commits: number;
  /** Of this process; a resumed run begins at zero. */
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number };
  readonly wallSeconds: number;
}

/** A piece of what a model says, as it comes. */
export interface TextDelta {
  readonly agent: string;
  /** Text, or a part of a tool call: its name, a space, its arguments. Each answer ends with a line end. */
  readonly text: string;
}

/** For one reader; ends with the run, or when the reader stops. */
export interface TextStream extends AsyncIterable<TextDelta> {
  /** Pieces that the reader did not come for in time. */
  readonly dropped: number;
}

/** A run that was started. */
export interface Run {
  readonly runId: Promise<string>;
  /** For one reader; ends with the run. */
  readonly events: AsyncIterable<EventRecord>;
  progress(): RunProgress;
  /**
   * What the model of `agent` says, or of every agent, while it says it: calls are streamed from here on as long as somebody
   * reads. A call that fails on its way is made again, and so is what it says.
   * @throws USAGE for more than 1,000 at once
   */
  stream(agent?: string): TextStream;
  /** Settles when everything is closed. Rejects with a MegactorError when the run could not start. */
  readonly report: Promise<RunSummary>;
  /**
   * Puts mail from `user` into the agent's mailbox; resolves when it is durable, with what it answers and decides.
   * @throws USAGE, ALREADY_DECIDED, AGENT_NOT_FOUND, RUN_NOT_RUNNING
   */
  tell(agent: string, text: string): Promise<Told>;
  /**
   * Pauses the run as aborting its signal does; resolves with its report. What came before the pause shows in `status`.
   * @throws RUN_NOT_RUNNING when the run is over
   */
  pause(): Promise<RunSummary>;
  /**
   * Goes on with this run once it has paused, or has failed for a reason around it, as a new handle; this one stays over.
   * A run that is pausing is waited for.
   * @throws RUN_DIR_IN_USE while it runs, RUN_NOT_RESUMABLE when it has ended
   */
  continue(options?: ResumeOptions): Promise<Run>;
  /**
   * Ends the run for good, also one that has paused; resolves with its report.
   * @throws RUN_NOT_RUNNING when the run has ended already
   */
  stop(): Promise<RunSummary>;
}
