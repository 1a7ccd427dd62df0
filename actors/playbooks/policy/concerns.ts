/**
 * What citizens care about: on which wording they object, what they say, what they wish for, and what a clause becomes when
 * they are heard. Pure data and functions. What it does not do: say who has which concern (`citizens.ts`).
 */
import type { Citizen } from './citizens.ts';

export const CONCERNS = [
  'offline',
  'shifts',
  'little-money',
  'far-away',
  'other-language',
  'privacy',
  'changing-income',
  'cannot-plan',
  'cannot-wait',
  'steps',
  'local-trade',
  'fairness',
  'cares-for-somebody',
  'wants-results',
] as const;

export type ConcernName = (typeof CONCERNS)[number];

export interface Concern {
  readonly name: ConcernName;
  /** How a profile says it. */
  readonly profile: string;
  /** The wording of a clause that is objected to; what no clause says, when `missing`. */
  readonly wording: RegExp;
  readonly missing?: true;
  readonly says: (citizen: Citizen) => string;
  /** What is asked for, in the same words by everybody who has the concern. */
  readonly wish: string;
  /** The clause after it was heard, or the new clause. Null drops it. @param voices how many wish for it */
  readonly amend: (text: string, voices: number) => string | null;
}

/** So many voices drop a clause that one voice only softens. */
const VOICES_TO_DROP = 2;

const LIST: readonly Concern[] = [
  {
    name: 'offline',
    profile: 'has no computer',
    wording: /online only/u,
    says: ({ age }) => `I am ${age} and have no computer; somebody else would have to apply for me.`,
    wish: 'a way to apply without a computer',
    amend: () => 'Applications are made online, by telephone or in person at any office of a district.',
  },
  {
    name: 'shifts',
    profile: 'works shifts',
    wording: /from 9 to 16/u,
    says: ({ job }) => `As a ${job} I work shifts, and when the office is open I am at work or asleep.`,
    wish: 'an open evening every week',
    amend: (text) => `${text} On Thursdays they are open until 20.`,
  },
  {
    name: 'little-money',
    profile: 'lives on little',
    wording: /costs \d+ crowns/u,
    says: () => 'Forty crowns are what I have for food in a week.',
    wish: 'no fee for small incomes',
    amend: (text) => `${text} Households with a small income pay nothing.`,
  },
  {
    name: 'far-away',
    profile: 'lives far from any town',
    wording: /provincial capitals/u,
    says: ({ region }) =>
      `From my village in the ${region} it takes two buses and half a day to get to the capital of the province.`,
    wish: 'a place nearer to the villages',
    amend: () => 'It is offered in every district town, and once a week in a bus that visits the villages.',
  },
  {
    name: 'other-language',
    profile: 'grew up with another language',
    wording: /language of the law/u,
    says: () => 'I read every day, but I do not understand letters from offices, and I was not born to this language.',
    wish: 'plain words and an explanation in other languages',
    amend: () => 'Forms and decisions are written in plain language, and are explained in four others on request.',
  },
  {
    name: 'privacy',
    profile: 'wants to know who knows what',
    wording: /without asking again/u,
    says: ({ age }) => `I am ${age}, and what I have told one office is not for all the others.`,
    wish: 'to be asked before data are passed on',
    amend: () => 'Offices pass on what they know of an applicant only when the applicant has agreed to it.',
  },
  {
    name: 'changing-income',
    profile: 'earns something else every month',
    wording: /three documents/u,
    says: ({ job }) => `The income of a ${job} is another one every month; no three documents prove it.`,
    wish: 'a declaration instead of documents',
    amend: () => 'Applicants declare their income once a year; declarations are checked by sample.',
  },
  {
    name: 'cannot-plan',
    profile: 'has small children at home',
    wording: /pays 60 crowns/u,
    says: ({ age }) =>
      `I am ${age} and have small children: when one of them is ill, I miss an appointment, and I would pay for it.`,
    wish: 'no charge for a missed appointment',
    amend: (text, voices) =>
      voices >= VOICES_TO_DROP ? null : `${text} Whoever had to care for somebody that day pays nothing.`,
  },
  {
    name: 'cannot-wait',
    profile: 'needs decisions soon',
    wording: /within six months/u,
    says: () => 'Half a year of waiting is half a year in which I cannot decide anything else.',
    wish: 'a decision within six weeks',
    amend: () => 'An application is decided within six weeks, or the office says in writing why it is not.',
  },
  {
    name: 'steps',
    profile: 'walks with difficulty',
    wording: /buildings that the offices have/u,
    says: ({ region }) => `There are eleven steps in front of the office in the ${region}, and I cannot climb one.`,
    wish: 'a way in without steps',
    amend: () => 'It is offered in buildings without steps before the door, or at home where there is none.',
  },
  {
    name: 'local-trade',
    profile: 'has a small business',
    wording: /cheapest bidder/u,
    says: ({ job }) =>
      `The cheapest bidder is never a ${job} from here, and who is cheapest is not there for the repair.`,
    wish: 'quality and local firms to count beside the price',
    amend: () =>
      'The work is given to the best offer; quality, repairs and short ways count for half, the price for half.',
  },
  {
    name: 'fairness',
    profile: 'was once treated unfairly by an office',
    wording: /office that made the decision/u,
    says: () => 'When I complained once, the man who had refused me read my complaint.',
    wish: 'somebody else to decide complaints',
    amend: () => 'Complaints are decided by a board outside of the office, and one of its members is drawn by lot.',
  },
  {
    name: 'cares-for-somebody',
    profile: 'cares for a relative',
    wording: /on behalf of/u,
    missing: true,
    says: () => 'I do all the papers of my father, and nothing here says that I may.',
    wish: 'carers to act for those they care for',
    amend: () => 'A relative or a carer may act on behalf of an applicant who has agreed to it.',
  },
  {
    name: 'wants-results',
    profile: 'wants to see what comes of promises',
    wording: /publishes/u,
    missing: true,
    says: ({ age }) =>
      `I am ${age} and have heard many promises; nobody ever came back to say what had become of them.`,
    wish: 'a public account of the results',
    amend: () => 'The ministry publishes every spring, district by district, what has come of this policy.',
  },
];

const BY_NAME = new Map(LIST.map((concern) => [concern.name, concern]));
const BY_WISH = new Map(LIST.map((concern) => [concern.wish, concern]));

/** @throws RangeError */
export const concernNamed = (name: ConcernName): Concern => {
  const found = BY_NAME.get(name);
  if (found === undefined) throw new RangeError(`there is no concern ${name}`);
  return found;
};

/** The concern behind a wish; undefined for a wish that nobody has. */
export const concernOfWish = (wish: string): Concern | undefined => BY_WISH.get(wish);
