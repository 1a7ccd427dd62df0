/**
 * Hiring in the rehearsal: a lead fills all its slots in one answer; with more slots than a group may have members it
 * hires leads of sections first, who share the slots, and then the few that are left over.
 *
 * 1. The recruits are a function of the lead's name, slots and seed alone.
 * 2. Every recruit is tried a bounded number of times; LIMIT and NOT_ALLOWED are final.
 */
import { memberNames, otherName, shortName } from './vocabulary.ts';
import type { Call, Progress } from './progress.ts';
import type { RehearsalOptions } from './options.ts';

/** Members of one group at most. */
const GROUP_MAX = 128;
/** Sections of one lead at most: with the left-over recruits they must fit into one group. */
const SECTIONS_MAX = 64;
const NAMES_MAX = 4;
const FINAL_CODES = new Set(['LIMIT', 'NOT_ALLOWED', 'UNKNOWN_TOOL']);

interface Recruit {
  readonly name: string;
  readonly kind: 'member' | 'section';
  readonly colleague: string | null;
}

const recruits = (names: readonly string[], kind: Recruit['kind']): Recruit[] =>
  names.map((name, index) => {
    const next = names[(index + 1) % names.length];
    return { name, kind, colleague: next === undefined || next === name ? null : next };
  });

/** Waves of recruits: the second is hired when the first is settled. */
export const wavesOf = (name: string, slots: number, seed: number): Recruit[][] => {
  if (slots === 0) return [];
  if (slots <= GROUP_MAX) return [recruits(memberNames(seed, name, slots, 'member'), 'member')];
  const sections = Math.min(SECTIONS_MAX, Math.ceil(slots / (GROUP_MAX + 1)));
  // As the runtime divides: what is left after the recruits themselves, rounded down.
  const each = Math.floor((slots - sections) / sections);
  const rest = slots - sections - sections * each;
  return [
    recruits(memberNames(seed, name, sections, 'section'), 'section'),
    recruits(memberNames(seed, name, rest, 'member'), 'member'),
  ];
};

const namesOf = (recruit: Recruit): string[] =>
  Array.from({ length: NAMES_MAX }, (_, attempt) => otherName(recruit.name, attempt));

type RecruitState = 'hired' | 'abandoned' | { readonly next: string };

/** @param hired every name that was hired under, as asked for */
const stateOf = (progress: Progress, recruit: Recruit, hired: ReadonlySet<string>): RecruitState => {
  if (hired.has(recruit.name)) return 'hired';
  const names = namesOf(recruit);
  if (names.some((name) => hired.has(name))) return 'hired';
  const mine = (args: Readonly<Record<string, unknown>>): boolean => names.includes(String(args['name']));
  const failures = progress.failed('add_agent', mine);
  const taken = failures.filter((action) => action.code === 'NAME_TAKEN').length;
  const next = names[taken];
  if (next === undefined || !progress.mayTry('add_agent', mine)) return 'abandoned';
  return failures.some((action) => FINAL_CODES.has(action.code)) ? 'abandoned' : { next };
};

const wavesFor = (progress: Progress, options: RehearsalOptions): Recruit[][] => {
  const { name, level, slots } = progress.persona;
  // A shape says how many there are; what the Boss has left over stays empty.
  if (level === 'Boss' && options.shape?.admins !== undefined) return [];
  return wavesOf(name, slots, options.seed);
};

const hireCall = (progress: Progress, recruit: Recruit, name: string): Call => {
  const { name: lead, goal } = progress.persona;
  const part = shortName(recruit.name, lead);
  const section = recruit.kind === 'section';
  const prompt = [
    section
      ? `You lead the section ${part}. Hire your group and give everybody a part.`
      : `You work on ${part} for ${lead}. Write your part of the policy to your file.`,
    `Goal: ${goal}`,
    ...(recruit.colleague === null ? [] : [`Colleague: ${recruit.colleague}`]),
  ].join('\n');
  return {
    tool: 'add_agent',
    args: {
      name,
      description: section ? `Leads the section ${part}.` : `Writes the policy on ${part}.`,
      initial_prompt: prompt,
      first_message: `Please take on ${part} for this goal: ${goal}`,
    },
    key: `hire/${recruit.name}`,
  };
};

/** All hires that are due now, at most a group. */
export const hireCalls = (progress: Progress, options: RehearsalOptions): Call[] => {
  if (!progress.can('add_agent')) return [];
  const hired = new Set(progress.done('add_agent').map((action) => String(action.args?.['name'])));
  for (const wave of wavesFor(progress, options)) {
    const calls = wave.flatMap((recruit) => {
      const state = stateOf(progress, recruit, hired);
      return typeof state === 'object' ? [hireCall(progress, recruit, state.next)] : [];
    });
    if (calls.length > 0) return calls;
  }
  return [];
};

/** Whether `agent` was hired to lead a section. */
export const leadsSection = (progress: Progress, options: RehearsalOptions, agent: string): boolean =>
  wavesFor(progress, options).some((wave) =>
    wave.some((recruit) => recruit.kind === 'section' && namesOf(recruit).includes(agent)),
  );

/** Whether nobody is left to hire when `calls` have been made. */
export const isLastWave = (progress: Progress, options: RehearsalOptions, calls: readonly Call[]): boolean =>
  calls.length === 0 ||
  wavesFor(progress, options)
    .at(-1)
    ?.some(({ name }) => calls.at(-1)?.key === `hire/${name}`) === true;

export const hiringIsOver = (progress: Progress, options: RehearsalOptions): boolean =>
  hireCalls(progress, options).length === 0;

/** The real names of everybody this agent hired. */
export const hiredNames = (progress: Progress): string[] =>
  progress.done('add_agent').map((action) => {
    const real = action.result['name'];
    return typeof real === 'string' ? real : String(action.args?.['name']);
  });
