/**
 * The error catalogue: every failure that leaves a part of Megactor has a stable code, a family, and a hint that says
 * what to do about it. What it does not do: decide on retries (the gate, the supervisor) or print (the command line).
 *
 * Errors cross threads as `ErrorWire`, because a structured clone drops `code` and own properties.
 */

/** Whose fault a failure is: the caller's or user's, the system's, or the model's behaviour. */
export type ErrorFamily = 'user' | 'system' | 'model';

interface CatalogueEntry {
  readonly family: ErrorFamily;
  readonly retryable: boolean;
  readonly hint: string;
}

const entry = (family: ErrorFamily, retryable: boolean, hint: string): CatalogueEntry => ({ family, retryable, hint });

/** Code → family, whether trying again may help, and what to do. */
export const ERROR_CATALOGUE = {
  // Wrong use.
  USAGE: entry('user', false, 'Run `megactor --help` for the commands and their options.'),
  CONFIG_INVALID: entry('user', false, 'Correct the named field of the configuration.'),
  PROMPTS_INVALID: entry(
    'user',
    false,
    'Correct the named file; `megactor prompts DIR` writes all prompts as they come.',
  ),
  RUN_DIR_NOT_FOUND: entry('user', false, 'Give the directory that `run` printed, by default runs/RUNID.'),
  RUN_DIR_FOREIGN: entry('user', false, 'Give a directory that Megactor made, or an empty one for a new run.'),
  RUN_DIR_IN_USE: entry('user', true, 'This or another process works on the directory. Wait for it, or stop it first.'),
  RUN_NOT_RESUMABLE: entry('user', false, 'Start a new run; the files of this one stay where they are.'),
  RUN_NOT_RUNNING: entry('user', false, 'See how it stands with `megactor inspect RUN_DIR`.'),
  RUN_UNREACHABLE: entry(
    'system',
    true,
    'The process of the run does not answer: try again, or end it by its process id.',
  ),
  AGENT_NOT_FOUND: entry('user', false, 'See the names with `megactor inspect RUN_DIR`.'),
  ALREADY_DECIDED: entry('user', false, 'See how it stands, and what waits for you, with `megactor inspect RUN_DIR`.'),
  FILE_NOT_FOUND: entry('user', false, 'See the paths with `megactor files RUN_DIR`.'),
  RUN_FORMAT: entry('user', false, 'Resume this run with the version of Megactor that started it.'),
  WORKSPACE_DIRTY: entry('user', false, 'Commit or stash the changes in the workspace, or choose another --workspace.'),
  WORKSPACE_FOREIGN: entry('user', false, 'Choose an empty directory or a git repository as --workspace.'),
  KEY_MISSING: entry('user', false, 'Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server that needs no key.'),
  NODE_VERSION: entry('user', false, 'Install Node 22.18 or newer.'),
  // The actor runtime.
  DEFINITION_INVALID: entry(
    'user',
    false,
    'Export the definition under the name given to defineActor, from the module given to it; in a bundle, from its entry.',
  ),
  DURABLE_WITHOUT_JOURNAL: entry(
    'user',
    false,
    'Give ActorSystem.start a `journal` directory, or spawn without `durable`.',
  ),
  ACTOR_NAME_TAKEN: entry('user', false, 'Choose another actor name, or look the existing actor up.'),
  ACTOR_NOT_FOUND: entry('user', false, 'The actor has stopped or never existed; watch it to be told when it stops.'),
  ACTOR_STOPPED: entry('system', false, 'The actor stopped before it replied.'),
  ACTOR_FAILED: entry('system', true, 'The handler threw; the message is in the log of the run.'),
  MESSAGE_INVALID: entry('user', false, 'Send what the message schema of the actor accepts.'),
  MESSAGE_NOT_CLONEABLE: entry('user', false, 'Send plain data: no functions, symbols, sockets or class instances.'),
  MAILBOX_FULL: entry(
    'system',
    true,
    'Send more slowly, raise the mailbox capacity, or choose another overflow policy.',
  ),
  EFFECT_FAILED: entry(
    'system',
    false,
    'The outside call failed; its words are in the message. To try it again, call it under another key.',
  ),
  UNKNOWN_OUTCOME: entry(
    'system',
    false,
    'The call may or may not have happened, and is not made again: look at what it would have changed, then decide.',
  ),
  ASK_TIMEOUT: entry('system', true, 'Raise deadlineMs, or find out why the actor is slow.'),
  LETTER_NOT_KEPT: entry(
    'user',
    false,
    'Only letters with `kept: true` can be sent again; send the message from where it came.',
  ),
  SYSTEM_STOPPED: entry('user', false, 'The system was stopped; start another.'),
  HOST_DIED: entry('system', true, 'A worker thread died; its durable actors recover on another.'),
  HOST_BLOCKED: entry(
    'system',
    true,
    'An actor held its worker thread without giving it back; let it wait with `await`, or raise `blockedAfterMs`.',
  ),
  HOST_START_FAILED: entry('system', false, 'A worker thread did not start; the cause is in the message.'),
  SERVICE_UNKNOWN: entry('user', false, 'Start the system with this service, or do not call it.'),
  SERVICE_TIMEOUT: entry('system', true, 'The service did not answer in time.'),
  SERVICE_FAILED: entry('system', false, 'The service failed; the cause is in the message.'),
  // The journal.
  JOURNAL_DAMAGED: entry('system', false, 'Repair it with `megactor doctor --repair RUN_DIR`; nothing is deleted.'),
  JOURNAL_FENCED: entry('system', false, 'Another owner took this shard over; this one has stopped.'),
  JOURNAL_POSITION: entry('system', false, 'The log moved on under its writer; the shard recovers from it.'),
  DISK: entry('system', true, 'Free space or make the disk writable, then resume the run.'),
  // Models.
  MODEL_UNKNOWN: entry(
    'user',
    false,
    'Ask the server for its models (GET /v1/models) and start a run with one as --model openai:NAME; or give the server this one, then resume the run.',
  ),
  MODEL_AUTH: entry('user', false, 'Check OPENAI_API_KEY, then resume the run.'),
  MODEL_QUOTA: entry('user', false, 'The quota of the account is used up. Raise it, then resume the run.'),
  MODEL_UNREACHABLE: entry('system', true, 'Check OPENAI_BASE_URL and that the server runs, then resume the run.'),
  MODEL_RATE_LIMITED: entry('system', true, 'The server limits requests; lower the in-flight limit.'),
  MODEL_SERVER: entry('system', true, 'The model server failed; try again later.'),
  MODEL_TIMEOUT: entry('system', true, 'The model did not answer in time; raise the call deadline.'),
  MODEL_BAD_REQUEST: entry('user', false, 'The server refused the request; its words are in the message.'),
  MODEL_BAD_RESPONSE: entry('model', true, 'The server answered with something that is not a chat completion.'),
  MODEL_CONTEXT_OVERFLOW: entry('model', false, 'The request is longer than the context of the model.'),
  BOSS_FAILED: entry(
    'model',
    false,
    'See in report.md what is missing, then start again: with a smaller goal, another model, or a plan of your own (--plan FILE).',
  ),
  CASSETTE_INVALID: entry('user', false, 'Give a file that `--record FILE` wrote.'),
  CASSETTE_MISS: entry(
    'user',
    false,
    'Record it again with what changed, or let another model answer what is missing (`cassette.otherwise`).',
  ),
  BUDGET_SPENT: entry('user', false, 'Raise the budget, or let the run do without this call.'),
  GATE_FULL: entry(
    'system',
    true,
    'Too many model calls wait; start fewer agents or raise the queue limit of the gate.',
  ),
  // Memory.
  EMBEDDER_MISSING: entry(
    'user',
    false,
    'Install the packages that the message names, or go without meaning: `--embedder none`.',
  ),
  EMBEDDER_FAILED: entry('system', false, 'The embedder gave no usable vector; words find the text.'),
  EMBEDDER_STOPPED: entry(
    'system',
    true,
    'The embedder was stopped, or its thread has ended; the next text starts it.',
  ),
  EMBEDDER_BUSY: entry('system', true, 'Too many texts wait for the embedder; try again later.'),
  // Programs of agents.
  SANDBOX_MISSING: entry(
    'user',
    false,
    'Install what is missing (see `megactor doctor`), or do without programs; `--sandbox none` runs them unprotected.',
  ),
  SANDBOX_FAILED: entry(
    'system',
    true,
    'The program could not be started in its sandbox; its words are in the message.',
  ),
  PROGRAM_INVALID: entry('user', false, 'Give the path of a .py, .js, .mjs or .cjs file that is there.'),
  // The rest.
  ABORTED: entry('user', false, 'The caller cancelled this work.'),
  INTERNAL: entry('system', false, 'This is a defect of Megactor; please report it with the run directory.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** An error as it travels between threads and into the journal. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Record<string, unknown> | undefined;
}

const BRAND = Symbol.for('megactor.error');

/** The one error class. `code` is stable; `message` says what happened; `hint` says what to do. */
export class MegactorError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string | undefined; details?: Record<string, unknown> | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MegactorError';
    this.code = code;
    this.hint = options.hint ?? ERROR_CATALOGUE[code].hint;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  get family(): ErrorFamily {
    return ERROR_CATALOGUE[this.code].family;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }

  /** True for a `MegactorError` of any realm or copy of this module. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Any thrown value as a `MegactorError`; what is not one already becomes `fallback` (default INTERNAL). */
export const toMegactorError = (thrown: unknown, fallback: ErrorCode = 'INTERNAL'): MegactorError => {
  if (thrown instanceof MegactorError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MegactorError(fallback, message, { cause: thrown });
};

export const errorToWire = (thrown: unknown, fallback: ErrorCode = 'INTERNAL'): ErrorWire => {
  const error = toMegactorError(thrown, fallback);
  return { code: error.code, message: error.message, hint: error.hint, details: error.details };
};

export const errorFromWire = (wire: ErrorWire): MegactorError =>
  new MegactorError(wire.code, wire.message, { hint: wire.hint, details: wire.details });
