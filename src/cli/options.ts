/**
 * The options of every command as data: parsing, help and the refusals on `resume` are all made of this table. It does
 * not parse and has no opinion on how options go together.
 *
 * 1. An option stands here only when the program behind it exists.
 */

import { TEMPLATE_NAMES } from '../society/template-names.ts';

/** What the value of an option looks like. `flag` takes none. */
export type OptionKind =
  | { readonly kind: 'flag' }
  | { readonly kind: 'text'; readonly value: string; readonly pattern?: RegExp; readonly expected?: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'json-file' };

export interface OptionSpec {
  /** Without the two dashes. */
  readonly name: string;
  readonly type: OptionKind;
  readonly help: string;
  /** As shown in the help; absent when leaving the option out means doing without. */
  readonly fallback?: string;
}

const flag = { kind: 'flag' } as const;
const jsonFile = { kind: 'json-file' } as const;

const MODEL: OptionSpec = {
  name: 'model',
  type: {
    kind: 'text',
    value: 'MODEL',
    pattern: /^(?:rehearsal|openai:\S+|cassette:.+|playbook:\S+)$/u,
    expected: 'rehearsal, openai:NAME, cassette:FILE or playbook:NAME',
  },
  help: 'openai:NAME (any OpenAI-compatible server), cassette:FILE (what --record recorded), playbook:NAME (a scripted society, see below) or rehearsal (built in, no network, synthetic text)',
  fallback: 'rehearsal',
};
const THREADS: OptionSpec = {
  name: 'threads',
  type: { kind: 'integer', min: 1, max: 64 },
  help: 'worker threads that host agents',
  fallback: 'as many as cores, at most as many as shards',
};
const durability = (choices: readonly string[], help: string, fallback: string): OptionSpec => ({
  name: 'durability',
  type: { kind: 'choice', choices },
  help,
  fallback,
});
const DURABILITY_HELP = 'flushed survives power loss, committed a killed process';
const CONFIG: OptionSpec = { name: 'config', type: jsonFile, help: 'limits, prices and poll intervals (JSON)' };
const BUDGETS: readonly OptionSpec[] = [
  {
    name: 'budget-calls',
    type: { kind: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER },
    help: 'pause after so many answers of models',
  },
  {
    name: 'budget-tokens',
    type: { kind: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER },
    help: 'pause before more tokens are used, input and output together',
  },
  {
    name: 'budget-usd',
    type: { kind: 'text', value: 'X', pattern: /^(?!0+(?:\.0+)?$)\d+(?:\.\d+)?$/u, expected: 'US dollars, as 2.50' },
    help: 'pause before it costs more; every model needs a price',
  },
  {
    name: 'deadline',
    type: {
      kind: 'text',
      value: 'TIME',
      pattern: /^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/u,
      expected: 'a time as 90s, 30m or 1.5h',
    },
    help: 'pause after so much time, over all processes of the run',
  },
];
const JSON_LINE: OptionSpec = { name: 'json', type: flag, help: 'one JSON line on stdout at the end' };
const QUIET: OptionSpec = { name: 'quiet', type: flag, help: 'no progress on stderr' };

export const RUN_OPTIONS: readonly OptionSpec[] = [
  MODEL,
  {
    name: 'max-agents',
    type: { kind: 'integer', min: 1, max: 1_000_000 },
    help: 'most agents, the Boss included; rehearsal uses them all',
    fallback: '100',
  },
  {
    name: 'run-dir',
    type: { kind: 'text', value: 'DIR' },
    help: 'where the run keeps everything',
    fallback: 'runs/RUNID',
  },
  {
    name: 'workspace',
    type: { kind: 'text', value: 'DIR' },
    help: 'the files the agents share; may be a clean git repository',
    fallback: 'RUN_DIR/workspace',
  },
  {
    name: 'review',
    type: { kind: 'choice', choices: ['model', 'auto', 'none'] },
    help: 'whether Admins review what their members hand in; auto sends back first what cheap checks find',
    fallback: 'model',
  },
  {
    name: 'sandbox',
    type: { kind: 'choice', choices: ['bwrap', 'none', 'off'] },
    help: 'where agents run programs: in bubblewrap; none runs them UNPROTECTED, as you; off runs none',
    fallback: 'bwrap where it works (rehearsal: off)',
  },
  { name: 'sandbox-network', type: flag, help: 'let programs of agents into the network of this machine' },
  {
    name: 'embedder',
    type: {
      kind: 'text',
      value: 'EMBEDDER',
      pattern: /^(?:none|local|openai:\S+)$/u,
      expected: 'none, local or openai:NAME',
    },
    help: 'what finds memories by meaning, beside their words: local (no network, English) or openai:NAME',
    fallback: 'none',
  },
  {
    name: 'approve',
    type: {
      kind: 'text',
      value: 'KINDS',
      pattern: /^(?:hires|programs|files)(?:,(?:hires|programs|files))*$/u,
      expected: 'hires, programs, files, or several of them with commas',
    },
    help: 'what waits for your consent: hires, programs, files, or several with commas; answered by tell',
  },
  { name: 'plan', type: jsonFile, help: 'start from this plan (JSON) instead of asking the model for one' },
  {
    name: 'template',
    type: { kind: 'choice', choices: TEMPLATE_NAMES },
    help: 'start from a ready plan for this kind of goal instead of asking the model for one',
  },
  {
    name: 'prompts',
    type: { kind: 'text', value: 'DIR' },
    help: 'prompts of your own, a file NAME.md each; `prompts DIR` writes those that there are',
  },
  { name: 'plan-only', type: flag, help: 'make the plan, print it, and end; it is kept as RUN_DIR/plan.json' },
  CONFIG,
  ...BUDGETS,
  { name: 'record', type: { kind: 'text', value: 'FILE' }, help: 'record every answer, to be played by cassette:FILE' },
  {
    name: 'rehearsal',
    type: jsonFile,
    help: 'latency, failure rates and shape of the rehearsal (JSON); of a playbook not the shape',
  },
  {
    name: 'seed',
    type: { kind: 'integer', min: 0, max: 4_294_967_295 },
    help: 'seed of everything that is random',
    fallback: 'a fresh one, printed at the end',
  },
  {
    name: 'deterministic',
    type: flag,
    help: 'one turn at a time on a virtual clock: the same seed gives the same log (rehearsal, cassette or playbook)',
  },
  {
    name: 'shards',
    type: { kind: 'integer', min: 1, max: 254 },
    help: 'units of ownership; fixed for the life of the run directory',
    fallback: '8',
  },
  THREADS,
  durability(
    ['flushed', 'committed', 'none'],
    `${DURABILITY_HELP}; none keeps no journal and cannot be resumed (for measurements)`,
    'flushed',
  ),
  { name: 'no-agent-headers', type: flag, help: 'do not send x-agent-id and x-run-id to the model server' },
  JSON_LINE,
  QUIET,
];

const REHEARSED = new Set(['max-agents', 'review', 'config', 'rehearsal']);
const limit = (name: string, help: string): OptionSpec => ({
  name,
  type: { kind: 'integer', min: 1, max: 1_000_000_000 },
  help,
  fallback: 'that of --config, else no limit',
});

/** The options of `rehearse`: what shapes a run, and what is assumed of its model. */
export const REHEARSE_OPTIONS: readonly OptionSpec[] = [
  ...RUN_OPTIONS.filter(({ name }) => REHEARSED.has(name)),
  {
    name: 'model',
    type: { kind: 'text', value: 'MODEL', pattern: /^openai:\S+$/u, expected: 'openai:NAME' },
    help: 'openai:NAME, whose price and settings are taken; it is not called',
    fallback: 'none, and the cost is not known',
  },
  {
    name: 'latency',
    type: { kind: 'integer', min: 0, max: 3_600_000 },
    help: 'milliseconds from a request to its answer',
    fallback: 'that of --rehearsal, else 2000',
  },
  limit('rpm', "the provider's limit of requests a minute"),
  limit('tpm', "the provider's limit of tokens a minute, cached input not counted"),
  {
    name: 'seed',
    type: { kind: 'integer', min: 0, max: 4_294_967_295 },
    help: 'seed of everything that is random; the same one gives the same forecast',
    fallback: '1',
  },
  JSON_LINE,
  QUIET,
];

/** The options of `run` that may differ on `resume`; the rest belong to the run directory. */
export const RESUME_OPTIONS: readonly OptionSpec[] = [
  THREADS,
  durability(['flushed', 'committed'], DURABILITY_HELP, "the run's own"),
  CONFIG,
  ...BUDGETS,
  JSON_LINE,
  QUIET,
];

/** The options of the commands that ask a run for something. */
export const STEERING_OPTIONS: readonly OptionSpec[] = [JSON_LINE];

export const COMPACT_OPTIONS: readonly OptionSpec[] = [JSON_LINE];

export const REPLAY_OPTIONS: readonly OptionSpec[] = [JSON_LINE, QUIET];

export const FILES_OPTIONS: readonly OptionSpec[] = [
  { name: 'log', type: { kind: 'text', value: 'PATH' }, help: 'the commits that changed this file, newest first' },
  { name: 'blame', type: { kind: 'text', value: 'PATH' }, help: 'its lines, with commits and authors' },
  JSON_LINE,
];

export const INSPECT_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'agent',
    type: { kind: 'text', value: 'NAME' },
    help: 'only this agent, with mail, checklist, history, effects',
  },
  JSON_LINE,
];
