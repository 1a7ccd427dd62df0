/**
 * Evidence: what an agent names as proof of closed items, and what it has really done. Pure. What it does not do: look
 * whether a file is there.
 *
 * Invariant V1: what is kept of an agent's deeds is bounded; what a reviewer is shown of them comes from the runtime, never
 * from what the agent says.
 */
import type { ChecklistItem } from './checklist.ts';

/** A program that an agent ran. `path` as `pathsIn` has it. */
export interface ProgramRun {
  readonly path: string;
  /** Null when it was ended, or is still running. */
  readonly exitCode: number | null;
}

/** A run of a program by somebody else. */
export interface OthersRun extends ProgramRun {
  readonly agent: string;
}

/** What is known of programs when an agent hands in. */
export interface Trail {
  /** Its own runs, the last one last. */
  readonly programs: readonly ProgramRun[];
  /** Of the programs that it says ended well and has not run: the last run of everybody else who has handed in. */
  readonly others: readonly OthersRun[];
}

/** A closed item whose evidence says that a program ended well. */
export interface Claim {
  readonly item: string;
  readonly path: string;
  /** Its last run by the agent itself. */
  readonly own: ProgramRun | null;
  readonly others: readonly OthersRun[];
  /** Whether it is certain that the agent never ran it. */
  readonly neverRun: boolean;
  /** Whether what is known stands against it. */
  readonly contradicted: boolean;
}

/** Of one agent; older ones are forgotten. */
export const PROGRAMS_MAX = 20;
/** Paths of evidence that are looked at. */
export const EVIDENCE_PATHS_MAX = 5;
/** Runs by others that are named. */
export const OTHERS_MAX = 5;

const PATH = /^(?:[\w.@-]+\/)*[\w@-][\w.@-]*\.[A-Za-z][A-Za-z0-9]{0,9}$/u;

/** Shorter ones are abbreviations, as "e.g.". */
const BARE_LENGTH_MIN = 4;

/** What is written like a file and is none: libraries that are called so, and hosts. */
const NO_FILE = /^(?:(?:node|vue|next|nuxt|react|express|three|d3|p5)\.js|[\w.-]+\.(?:com|org|net|io))$/iu;

const isPath = (word: string): boolean =>
  PATH.test(word) &&
  (word.includes('/') || (word.length >= BARE_LENGTH_MIN && !NO_FILE.test(word))) &&
  !word.split('/').includes('..');

/** The paths of files in a text, each once, in order. */
export const pathsIn = (text: string): readonly string[] => {
  const words = text.split(/[\s,;()[\]"'`]+/u).map((raw) => raw.replace(/^\.\//u, '').replace(/[.:!?]+$/u, ''));
  return [...new Set(words.filter(isPath))];
};

/** Paths of files that the evidence of closed items names, each once, at most `EVIDENCE_PATHS_MAX` that are not `known`. */
export const unprovenPaths = (items: readonly ChecklistItem[], known: readonly string[]): readonly string[] => {
  const named = items.flatMap(({ status, evidence = '' }) => (status === 'done' ? pathsIn(evidence) : []));
  return [...new Set(named)].filter((path) => !known.includes(path)).slice(0, EVIDENCE_PATHS_MAX);
};

/** Adds the outcome of a `run_program`. `./a.py` and `a.py` are one program. */
export const withProgram = (runs: readonly ProgramRun[], { path, exitCode }: ProgramRun): ProgramRun[] =>
  [...runs, { path: path.replace(/^(?:\.\/+)+/u, ''), exitCode }].slice(-PROGRAMS_MAX);

/** The runs of an agent, with that of a program which has not ended. */
export const programsOf = (state: {
  readonly programs?: readonly ProgramRun[] | undefined;
  readonly program: string | null;
}): readonly ProgramRun[] => {
  const { programs = [], program } = state;
  return program === null ? programs : withProgram(programs, { path: program, exitCode: null });
};

const PROGRAM = /\.(?:py|js|mjs|cjs)$/u;

export const isProgram = (path: string): boolean => PROGRAM.test(path);

const EXIT_ZERO = /\bexit(?:ed)?(?: code| status)?(?: with| is|:|=)?\s*0\b/iu;
const TESTS_PASS = /\btests? (?:all )?pass(?:es|ed)?\b/iu;
const SUCCESS = /\b(?:passes|passed|succeeds|succeeded)\b/iu;

const lastRun = <Run extends ProgramRun>(runs: readonly Run[], path: string): Run | null =>
  runs.findLast((run) => run.path === path) ?? null;

/**
 * What the trail says of programs that, by the evidence, ended well. A program that was never run stands against it only
 * where a run is what is claimed ("exit 0", "tests pass"), and nothing else that the agent names or, of tests, has run
 * bears it out; nor does one that somebody else ran well.
 */
export const claimsOf = (items: readonly ChecklistItem[], { programs, others }: Trail): readonly Claim[] =>
  items.flatMap(({ id, status, evidence = '' }) => {
    const [exits, tests] = [EXIT_ZERO.test(evidence), TESTS_PASS.test(evidence)];
    if (status !== 'done' || !(exits || tests || SUCCESS.test(evidence))) return [];
    const paths = pathsIn(evidence);
    const isBorneOut =
      paths.some((path) => lastRun(programs, path)?.exitCode === 0) ||
      (!exits && programs.some(({ exitCode }) => exitCode === 0));
    return paths.flatMap((path): Claim[] => {
      const own = lastRun(programs, path);
      if (own === null && !isProgram(path)) return [];
      const ran = others.filter((run) => run.path === path);
      // Of many runs the first are forgotten.
      const neverRun = own === null && programs.length < PROGRAMS_MAX;
      const isBare = neverRun && (exits || tests) && !isBorneOut && !ran.some(({ exitCode }) => exitCode === 0);
      const contradicted = own === null ? isBare : own.exitCode !== 0;
      return [{ item: id, path, own, others: ran, neverRun, contradicted }];
    });
  });

/** The last run of each of `paths` by everybody in `agents`, at most `OTHERS_MAX`. */
export const othersRuns = (
  agents: Iterable<{ readonly name: string; readonly programs?: readonly ProgramRun[] }>,
  paths: readonly string[],
): readonly OthersRun[] => {
  const found: OthersRun[] = [];
  for (const { name, programs = [] } of agents) {
    for (const path of paths) {
      const run = lastRun(programs, path);
      if (run !== null) found.push({ agent: name, ...run });
    }
  }
  return found.slice(0, OTHERS_MAX);
};

/** Runs by others, as a reviewer reads them. */
export const renderOthers = (runs: readonly OthersRun[]): readonly string[] =>
  runs.map(({ agent, exitCode }) => `exit ${exitCode ?? 'none'} by ${agent}`);

/** What an agent did beside its files, as a reviewer is shown it. */
export const renderDeeds = (programs: readonly ProgramRun[], missing: readonly string[]): readonly string[] => [
  ...(programs.length === 0
    ? []
    : [`programs it ran: ${programs.map(({ path, exitCode }) => `${path} (exit ${exitCode ?? 'none'})`).join(', ')}`]),
  ...(missing.length === 0 ? [] : [`NOT THERE, though planned or named as evidence: ${missing.join(', ')}`]),
];
