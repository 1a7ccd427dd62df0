/**
 * Clauses of a draft: what each of them can say at first, and what becomes of it when citizens object. Pure; a draft is a
 * function of the seed, the ministry and the question.
 *
 * Of most clauses there are two wordings, and only the first of them is one that somebody objects to: what a citizen answers
 * depends on the wording.
 */
import { draw, shuffled, streamOf } from '../../../src/model/rehearsal/draw.ts';
import { ministryNamed, type Question } from './ministries.ts';

export const KINDS = [
  'entitlement',
  'channel',
  'hours',
  'fee',
  'place',
  'language',
  'data',
  'proof',
  'missed',
  'deadline',
  'building',
  'bidders',
  'complaints',
  'acting',
  'results',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Clause {
  /** From 1; a clause that was dropped keeps its number. */
  readonly number: number;
  readonly text: string;
}

/** The two wordings of those clauses that a draft draws from. */
const WORDINGS: Readonly<Partial<Record<Kind, readonly [string, string]>>> = {
  channel: ['Applications are made online only.', 'Applications are made online or by letter.'],
  hours: [
    'The offices are open on weekdays from 9 to 16.',
    'The offices are open on weekdays from 8 to 19 and on Saturday mornings.',
  ],
  fee: ['An application costs 40 crowns.', 'An application costs nothing.'],
  place: ['It is offered in the provincial capitals.', 'It is offered in every district town.'],
  language: [
    'Forms and decisions are written in the language of the law.',
    'Forms and decisions are written in plain language.',
  ],
  data: [
    'Offices pass on what they know of an applicant without asking again.',
    'Offices pass on what they know of an applicant who has agreed to it.',
  ],
  proof: [
    'Applicants prove their income every year with three documents.',
    'Applicants declare their income; declarations are checked by sample.',
  ],
  missed: [
    'Whoever misses an appointment pays 60 crowns.',
    'Whoever misses an appointment is given the next one that is free.',
  ],
  deadline: ['An application is decided within six months.', 'An application is decided within four weeks.'],
  building: [
    'It is offered in the buildings that the offices have.',
    'It is offered in buildings that have no steps before the door.',
  ],
  bidders: ['The work is given to the cheapest bidder.', 'The work is given to the best of at least three bidders.'],
  complaints: [
    'Complaints are decided by the office that made the decision.',
    'Complaints are decided by a board outside of the office.',
  ],
};

/** How many of them a draft has, beside the entitlement. */
const DRAWN = 6;
/** The part of them in the wording that somebody may object to. */
const HARSH_SHARE = 0.65;
/** The part of all drafts whose author forgets to name who is responsible; the minister sends them back. */
const FORGETFUL_SHARE = 0.2;

export interface Draft {
  readonly clauses: readonly Clause[];
  /** Whether it says who is responsible. */
  readonly responsible: boolean;
}

/** The draft as its author writes it before anybody was asked. */
export const draftOf = (seed: number, ministry: string, question: Question): Draft => {
  const key = [ministry, question.title];
  const drawn = shuffled(streamOf(seed, 'clauses', ...key), Object.keys(WORDINGS)).slice(0, DRAWN);
  const texts = drawn.map((kind): string => {
    const [harsh, mild] = WORDINGS[kind as Kind] ?? ['', ''];
    return draw(seed, 'wording', kind, ...key) < HARSH_SHARE ? harsh : mild;
  });
  const clauses = [`Every resident is entitled to ${question.service}.`, ...texts].map((text, index) => ({
    number: index + 1,
    text,
  }));
  return { clauses, responsible: draw(seed, 'responsible', ...key) >= FORGETFUL_SHARE };
};

/** The first `count` questions of a ministry that this run answers. */
export const questionsOf = (ministry: string, count: number): readonly Question[] =>
  ministryNamed(ministry).questions.slice(0, count);
