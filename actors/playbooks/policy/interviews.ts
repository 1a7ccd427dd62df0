/**
 * Interviews: the question as an expert sends it, what a citizen answers, and reading both. Pure. Both are mails that a
 * person can read, and lines that begin with `Clause` or `Missing` are what programs read of them.
 */
import { shortProfile, type Citizen } from './citizens.ts';
import type { Clause } from './clauses.ts';
import { concernNamed, concernOfWish, type Concern } from './concerns.ts';
import { numbered, SCRIPTED } from './texts.ts';

const WISH = 'I wish for';

/** A citizen's word on one clause, or on something that is missing. */
export interface Objection {
  /** Null for something that no clause says. */
  readonly clause: number | null;
  readonly says: string;
  readonly wish: string;
}

export interface Interview {
  /** Of the draft. */
  readonly path: string;
  readonly clauses: readonly Clause[];
}

export interface Answer {
  readonly path: string;
  /** Who answers, in a few words. */
  readonly profile: string;
  readonly objections: readonly Objection[];
}

export const interviewText = ({ path, clauses }: Interview): string =>
  [
    `Interview (scripted) on ${path}: what would these clauses mean for you, and what is missing?`,
    ...clauses.map(({ number, text }) => `Clause ${number}: ${text}`),
  ].join('\n');

const INTERVIEW = /^Interview \(scripted\) on (\S+): /u;
const CLAUSE = /^Clause (\d+): (.+)$/gmu;

/** Null when the text is no interview. */
export const readInterview = (text: string): Interview | null => {
  const path = INTERVIEW.exec(text)?.[1];
  if (path === undefined) return null;
  const clauses = [...text.matchAll(CLAUSE)].map((match) => ({ number: Number(match[1]), text: match[2] ?? '' }));
  return { path, clauses };
};

const objectionOf = (concern: Concern, citizen: Citizen, clauses: readonly Clause[]): Objection | null => {
  const objection = { says: concern.says(citizen), wish: concern.wish };
  const hit = clauses.find(({ text }) => concern.wording.test(text));
  if (concern.missing === true) return hit === undefined ? { clause: null, ...objection } : null;
  return hit === undefined ? null : { clause: hit.number, ...objection };
};

/** What somebody says to these clauses: it depends on who it is and on their wording. */
export const objectionsOf = (citizen: Citizen, clauses: readonly Clause[]): readonly Objection[] =>
  citizen.concerns
    .map((name) => objectionOf(concernNamed(name), citizen, clauses))
    .filter((objection) => objection !== null)
    .toSorted((left, right) => (left.clause ?? Infinity) - (right.clause ?? Infinity));

const lineOf = ({ clause, says, wish }: Objection): string =>
  `${clause === null ? 'Missing' : `Clause ${clause}`}: ${says} ${WISH} ${wish}.`;

export const answerText = (citizen: Citizen, interview: Interview): string => {
  const lines = objectionsOf(citizen, interview.clauses).map(lineOf);
  return [
    `Answers (scripted) on ${interview.path} by ${shortProfile(citizen)}.`,
    ...lines,
    lines.length === 0 ? 'All of it is fine with me.' : 'The rest is fine with me.',
  ].join('\n');
};

const ANSWERS = /^Answers \(scripted\) on (\S+) by (.+)\.$/mu;
const OBJECTION = /^(?:Clause (\d+)|Missing): (.+) I wish for (.+)\.$/gmu;

/** Null when the text holds no answers. */
export const readAnswer = (text: string): Answer | null => {
  const [, path, profile] = ANSWERS.exec(text) ?? [];
  if (path === undefined || profile === undefined) return null;
  const objections = [...text.matchAll(OBJECTION)].flatMap(([, clause, says, wish]): Objection[] =>
    says === undefined || wish === undefined || concernOfWish(wish) === undefined
      ? []
      : [{ clause: clause === undefined ? null : Number(clause), says, wish }],
  );
  return { path, profile, objections };
};

/** The record that a citizen keeps of the own interview. */
export const interviewRecord = (citizen: Citizen, asker: string, interview: Interview): string => {
  const cares = citizen.concerns.map((name) => concernNamed(name).profile).join(', ');
  return `${[
    `# Interview with ${shortProfile(citizen)}`,
    SCRIPTED,
    ...(cares === '' ? [] : [`Who that is: somebody who ${cares}.`]),
    `${asker} asked about \`${interview.path}\`, which then said:`,
    numbered(interview.clauses),
    '## Answers',
    answerText(citizen, interview)
      .split('\n')
      .slice(1)
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n')}\n`;
};
