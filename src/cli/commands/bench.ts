/**
 * `bench`: starts a program of `bench/` as a child process and hands on what it prints. What is measured and how is that
 * program's business; here the words of the command line become its settings.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { entryUrl } from '../../platform/index.ts';
import type { Command } from '../command.ts';
import type { OptionSpec } from '../options.ts';
import { usageError, type ParsedLine } from '../parse.ts';
import { EXIT, type CommandContext } from '../ports.ts';

/** Names of the programs, each a module of that name in `bench/`. */
export const BENCHMARKS = ['embed', 'gate', 'journal', 'memory', 'savina', 'society', 'threads', 'workspace'] as const;
type Benchmark = (typeof BENCHMARKS)[number];

const PROGRAMS = '../../../bench';
/** A Boss and groups of one Admin and five workers. */
const GROUP = 6;
const GROUPS_MAX = 128;

const OPTIONS: readonly OptionSpec[] = [
  { name: 'quick', type: { kind: 'flag' }, help: 'fewer repetitions, of the same sizes' },
  {
    name: 'sizes',
    type: { kind: 'text', value: 'N,N…', pattern: /^\d{1,4}(?:,\d{1,4})*$/u, expected: 'a list such as 31,109' },
    help: 'society: agents, 1 and a multiple of 6',
    fallback: '31,109,589',
  },
  {
    name: 'model',
    type: { kind: 'text', value: 'MODEL', pattern: /^openai:\S+$/u, expected: 'openai:NAME' },
    help: 'gate, society: your own server (OPENAI_BASE_URL), one run, without targets',
  },
  {
    name: 'agents',
    type: { kind: 'integer', min: 1, max: 100_000 },
    help: 'with --model: most agents, the Boss of a society included',
  },
  {
    name: 'calls',
    type: { kind: 'integer', min: 1, max: 10_000_000 },
    help: 'with --model: most calls; a society pauses after so many, and those in flight still answer',
  },
  {
    name: 'set',
    type: { kind: 'text', value: 'FILE', pattern: /^.+$/u, expected: 'the path of a JSON file' },
    help: 'embed, gate, memory, savina, society, threads, workspace: a JSON file with more settings, such as {"runs": 3}; memory: also FILE.jsonl with memories and queries',
  },
  {
    name: 'html',
    type: { kind: 'text', value: 'FILE', pattern: /^.+$/u, expected: 'the path of a file' },
    help: 'also write a page with tables and plots, which needs nothing from a network',
  },
  { name: 'json', type: { kind: 'flag' }, help: 'one JSON line on stdout, without the table' },
];

const sizesOf = (text: string): number[] => {
  const sizes = text.split(',').map(Number);
  const wrong = sizes.find((size) => {
    const groups = (size - 1) / GROUP;
    return !Number.isInteger(groups) || groups < 1 || groups > GROUPS_MAX;
  });
  if (wrong === undefined) return sizes;
  throw usageError(
    `--sizes: there is no team of ${wrong}; it has a Boss and 1 to ${GROUPS_MAX} groups of ${GROUP}.`,
    `Give sizes such as 31, 109 or 589, up to ${1 + GROUPS_MAX * GROUP}.`,
  );
};

const MODEL_OPTIONS = ['model', 'agents', 'calls'] as const;
const SOCIETY_OPTIONS = ['sizes', ...MODEL_OPTIONS] as const;

/** The user's own server. @throws USAGE for options that do not go together */
const modelSettings = (values: ParsedLine['values'], otherwise: string): Readonly<Record<string, unknown>> => {
  const [model, agents, calls] = MODEL_OPTIONS.map((name) => values.get(name));
  const alone = [agents === undefined ? [] : ['--agents'], calls === undefined ? [] : ['--calls']].flat()[0];
  if (model === undefined && alone !== undefined) {
    throw usageError(`${alone} belongs to --model.`, otherwise);
  }
  if (model !== undefined && agents === undefined) {
    throw usageError(
      '--model needs --agents N.',
      'A run with your own model may cost money: say how many agents it may have.',
    );
  }
  return { ...(model === undefined ? {} : { model, agents }), ...(calls === undefined ? {} : { calls }) };
};

/** @throws USAGE for options that do not go together */
const societySettings = (values: ParsedLine['values']): Readonly<Record<string, unknown>> => {
  const sizes = values.get('sizes');
  const own = modelSettings(values, 'Without a model of your own, choose the societies with --sizes.');
  if (values.has('model') && sizes !== undefined) {
    throw usageError('--sizes belongs to the rehearsal.', 'With --model, say --agents N.');
  }
  return { ...(sizes === undefined ? {} : { sizes: sizesOf(String(sizes)) }), ...own };
};

/** Benchmarks that take a file of settings; they check what is in it. */
const WITH_FILE: readonly Benchmark[] = ['embed', 'gate', 'memory', 'savina', 'society', 'threads', 'workspace'];

/** @throws USAGE for a file that holds no JSON object */
const settingsIn = (name: Benchmark, path: string): Readonly<Record<string, unknown>> => {
  // Lines of memories and queries, which the benchmark reads itself.
  if (name === 'memory' && path.endsWith('.jsonl')) return { set: path };
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw usageError(`--set: ${path} is no file with a JSON object.`, 'Such as {"runs": 3}; see docs/benchmarks.md.');
  }
};

/** What the program gets. @throws USAGE */
const settingsOf = (name: Benchmark, { values }: ParsedLine, cwd: string): Readonly<Record<string, unknown>> => {
  const file = values.get('set');
  if (file !== undefined && !WITH_FILE.includes(name)) {
    throw usageError(`--set belongs to bench ${WITH_FILE.join(', ')}.`, `bench ${name} has no such settings.`);
  }
  const flags = { quick: values.get('quick') === true, json: values.get('json') === true };
  const common = file === undefined ? flags : { ...settingsIn(name, resolve(cwd, String(file))), ...flags };
  if (name === 'society') return { ...common, ...societySettings(values) };
  const foreign = (name === 'gate' ? (['sizes'] as const) : SOCIETY_OPTIONS).find((option) => values.has(option));
  if (foreign === undefined) {
    return name === 'gate' ? { ...common, ...modelSettings(values, 'Choose what to measure with --set.') } : common;
  }
  throw usageError(
    `--${foreign} belongs to bench society${foreign === 'sizes' ? '' : ' and gate'}.`,
    `bench ${name} takes --quick and --json.`,
  );
};

const nameOf = ({ positionals }: ParsedLine): Benchmark => {
  const [name, ...rest] = positionals;
  const known = `There is: ${BENCHMARKS.join(', ')}.`;
  if (name === undefined) throw usageError('bench needs the name of a benchmark.', known);
  const benchmark = BENCHMARKS.find((one) => one === name);
  if (benchmark === undefined) throw usageError(`There is no benchmark "${name}".`, known);
  if (rest.length > 0) throw usageError(`bench takes one name, and there are ${positionals.length}.`, known);
  return benchmark;
};

/** The file for the page. @throws USAGE at once when it cannot be written, not after minutes of measuring */
const pageFile = ({ values }: ParsedLine, cwd: string): string[] => {
  const given = values.get('html');
  if (given === undefined) return [];
  const path = resolve(cwd, String(given));
  try {
    appendFileSync(path, '');
  } catch {
    throw usageError(`--html: ${path} cannot be written.`, 'Give a file in a directory that is there.');
  }
  return [path];
};

/** Runs the program until it ends. @returns its exit code */
const runProgram = (url: URL, words: readonly string[], context: CommandContext): Promise<number> =>
  new Promise((done, reject) => {
    // The channel tells the program when this process is gone.
    const child = process
      .getBuiltinModule('node:child_process')
      .fork(url, words, { cwd: context.cwd, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let interrupted = false;
    const unsubscribe = context.interrupts.subscribe(() => {
      if (interrupted) context.exitNow(EXIT.interrupted);
      interrupted = true;
      child.kill('SIGTERM');
    });
    child.stdout?.setEncoding('utf8').on('data', context.stdout);
    child.stderr?.setEncoding('utf8').on('data', context.stderr);
    child.once('error', (error) => {
      unsubscribe();
      reject(error);
    });
    child.once('close', (code) => {
      unsubscribe();
      done(interrupted ? EXIT.interrupted : (code ?? EXIT.failed));
    });
  });

export const benchCommand: Command = {
  name: 'bench',
  usage: 'bench NAME [OPTIONS]',
  summary: `Measures on this machine and prints a table. NAME: ${BENCHMARKS.join(', ')}.`,
  options: OPTIONS,
  examples: [
    'bench society',
    'bench journal --quick',
    'bench savina --quick --html savina.html',
    'bench memory --set questions.jsonl',
    'bench society --quick --sizes 31',
    'bench society --model openai:qwen3 --agents 20',
    'bench gate --model openai:qwen3 --agents 200 --calls 2000',
  ],
  notes: [
    'Exit 0 whatever targets are met, 1 when nothing could be measured.',
    'What the figures mean and what they do not is in docs/benchmarks.md.',
    'The last line on stdout is the result as JSON.',
  ],
  run: async (line, context) => {
    const name = nameOf(line);
    const settings = JSON.stringify(settingsOf(name, line, context.cwd));
    const url = entryUrl(`${PROGRAMS}/${name}`, import.meta.url);
    return runProgram(url, [settings, ...pageFile(line, context.cwd)], context);
  },
};
