/**
 * Evidence: what an agent names as proof of closed items, and what it has really done. Pure. What it does not do: look
 * whether a file is there.
 *
 * Invariant V1: what is kept of an agent's deeds is bounded; what a reviewer is shown of them comes from the runtime, never
 * from what the agent says.
 */
import type { ChecklistItem } from './checklist.ts';

/** A program that an agent ran. */
export interface ProgramRun {
  readonly path: string;
  /** Null when it was ended, or is still running. */
  readonly exitCode: number | null;
}

/** Of one agent; older ones are forgotten. */
export const PROGRAMS_MAX = 20;
/** Paths of evidence that are looked at. */
export const EVIDENCE_PATHS_MAX = 5;

const PATH = /^(?:[\w.@-]+\/)*[\w@-][\w.@-]*\.[A-Za-z][A-Za-z0-9]{0,9}$/u;

/** Shorter ones are abbreviations, as "e.g.". */
const BARE_LENGTH_MIN = 4;

const isPath = (word: string): boolean =>
  PATH.test(word) && (word.includes('/') || word.length >= BARE_LENGTH_MIN) && !word.split('/').includes('..');

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

/** Adds the outcome of a `run_program`. */
export const withProgram = (runs: readonly ProgramRun[], run: ProgramRun): ProgramRun[] =>
  [...runs, run].slice(-PROGRAMS_MAX);

/** What an agent did beside its files, as a reviewer is shown it. */
export const renderDeeds = (programs: readonly ProgramRun[], missing: readonly string[]): readonly string[] => [
  ...(programs.length === 0
    ? []
    : [`programs it ran: ${programs.map(({ path, exitCode }) => `${path} (exit ${exitCode ?? 'none'})`).join(', ')}`]),
  ...(missing.length === 0 ? [] : [`NOT THERE, though planned or named as evidence: ${missing.join(', ')}`]),
];
