/**
 * Makes sets for the quality of recall from a seed: scopes with memories, and queries whose answers are known. Of each kind
 * there are as many queries; everything else in a scope is there to mislead.
 *
 * paraphrase: asked in other words than the memory has, half of the time but for the name of the thing; the same thing is in
 * other memories under either name, and what is said of it is said of other things. identifier: asked for a number, a path or a name, among others that differ in one
 * place. negation: who may and who must not, one sentence each. distractor: asked in the memory's own words, among memories
 * that differ in one of them.
 */
import { seededRandom, type Random } from '../../src/platform/index.ts';
import {
  ACTIONS,
  CHATTER,
  GOODS,
  IDENTIFIER_QUESTIONS,
  INCIDENTS,
  PEOPLE,
  PLACES,
  RELATIONS,
  THINGS,
  UNITS,
} from './phrases.ts';
import type { QualityLine, QueryKind } from './quality-set.ts';

export interface GeneratorOptions {
  readonly seed: number;
  readonly scopes: number;
  /** Of each kind and scope. */
  readonly queries: number;
}

/** Of chatter, per scope. */
const CHATTER_COUNT = 25;

interface Draft {
  readonly memories: { readonly text: string; readonly key: string }[];
  readonly queries: { readonly kind: QueryKind; readonly text: string; readonly keys: readonly string[] }[];
}

class Draw {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  one<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  /** `count` different ones. */
  some<Value>(values: readonly Value[], count: number): Value[] {
    return this.shuffled(values).slice(0, count);
  }

  shuffled<Value>(values: readonly Value[]): Value[] {
    const shuffled = [...values];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other] as Value, shuffled[at] as Value];
    }
    return shuffled;
  }
}

const sentence = (text: string): string =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?!]$/u.test(text) ? '' : '.'}`;

const paraphrases = (draw: Draw, draft: Draft, count: number): void => {
  const things = draw.some(THINGS, Math.max(6, count));
  const relations = draw.some(RELATIONS, 6);
  const pairs = draw.shuffled(things.flatMap((thing) => relations.map((relation) => ({ thing, relation }))));
  // Three memories for one query: of the same thing, of the same relation, of neither.
  for (const [at, { thing, relation }] of pairs.slice(0, count * 4).entries()) {
    const swapped = draw.random() < 0.5;
    const [said, other] = swapped ? [thing[1], thing[0]] : thing;
    // Half of them have nothing in common with their answer, the others the name of the thing, as people do.
    const asked = draw.random() < 0.5 ? other : said;
    const key = `p${at}`;
    const text = draw.one(relation.said).replaceAll('{T}', said).replaceAll('{V}', draw.one(relation.values));
    draft.memories.push({ key, text: sentence(text) });
    if (at >= count) continue;
    draft.queries.push({
      kind: 'paraphrase',
      text: sentence(draw.one(relation.asked).replaceAll('{T}', asked)),
      keys: [key],
    });
  }
};

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ'.split('');
const WORDS = ['cache', 'parser', 'ledger', 'router', 'mailer', 'index', 'session', 'billing', 'search', 'upload'];

/** An identifier, and some that are nearly the same. */
const identifierFamily = (draw: Draw): string[] => {
  const digits = (count: number): string => Array.from({ length: count }, () => draw.below(10)).join('');
  const [first = '', second = '', third = ''] = draw.some(WORDS, 3);
  const number = digits(4);
  const turned = `${number.slice(0, 2)}${number[3]}${number[2]}`;
  const prefix = `${draw.one(LETTERS)}${draw.one(LETTERS)}`;
  const upper = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
  const families = [
    [
      `${prefix}-${number}`,
      `${prefix}-${turned}`,
      `${prefix}-${digits(4)}`,
      `${prefix.split('').reverse().join('')}-${number}`,
    ],
    [
      `src/${first}/${second}.ts`,
      `src/${first}/${third}.ts`,
      `src/${second}/${first}.ts`,
      `test/${first}/${second}.ts`,
    ],
    [
      `${first}${upper(second)}Limit`,
      `${first}${upper(third)}Limit`,
      `${second}${upper(first)}Limit`,
      `${first}${upper(second)}Count`,
    ],
    [
      `${first}_${second}_${number.slice(0, 2)}`,
      `${first}_${second}_${turned.slice(2)}`,
      `${first}_${third}_${number.slice(0, 2)}`,
    ],
    [
      `v${number[0]}.${number[1]}.${number[2]}`,
      `v${number[1]}.${number[0]}.${number[2]}`,
      `v${number[0]}.${number[1]}.${digits(2)}`,
    ],
    [
      `10.${number[0]}.${number[1]}.${digits(2)}`,
      `10.${number[1]}.${number[0]}.${digits(2)}`,
      `10.${number[0]}.${number[1]}.${digits(3)}`,
    ],
    [`${first}@${second}.example`, `${second}@${first}.example`, `${first}@${third}.example`],
  ];
  return [...new Set(draw.one(families))];
};

const identifiers = (draw: Draw, draft: Draft, count: number): void => {
  const taken = new Set<string>();
  for (let at = 0; at < count; at += 1) {
    const family = identifierFamily(draw).filter((identifier) => !taken.has(identifier));
    for (const identifier of family) taken.add(identifier);
    for (const [which, identifier] of family.entries()) {
      const text = draw.one(INCIDENTS).replaceAll('{I}', identifier).replaceAll('{P}', draw.one(PEOPLE));
      draft.memories.push({ key: `i${at}/${which}`, text: sentence(text) });
    }
    const [asked] = family;
    if (asked === undefined) continue;
    const text = draw.one(IDENTIFIER_QUESTIONS).replaceAll('{I}', asked);
    draft.queries.push({ kind: 'identifier', text, keys: [`i${at}/0`] });
  }
};

const negations = (draw: Draw, draft: Draft, count: number): void => {
  for (const [at, action] of draw.some(ACTIONS, count).entries()) {
    const [forbidden = '', allowed = '', third = ''] = draw.some(PEOPLE, 3);
    const no = draw.one([
      `${forbidden} must not ${action}`,
      `${forbidden} is never allowed to ${action}`,
      `${forbidden} cannot ${action}`,
    ]);
    const yes = draw.one([
      `${allowed} may ${action} at any time`,
      `${allowed} is allowed to ${action}`,
      `${allowed} can ${action}`,
    ]);
    draft.memories.push({ key: `n${at}/no`, text: sentence(no) }, { key: `n${at}/yes`, text: sentence(yes) });
    draft.memories.push({ key: `n${at}/other`, text: sentence(`${third} asked who is going to ${action}`) });
    const isNo = draw.random() < 0.5;
    const text = isNo ? `Who is not allowed to ${action}?` : `Who is allowed to ${action}?`;
    draft.queries.push({ kind: 'negation', text, keys: [isNo ? `n${at}/no` : `n${at}/yes`] });
  }
};

const distractors = (draw: Draw, draft: Draft, count: number): void => {
  const triples = draw.shuffled(
    PLACES.flatMap((place) => GOODS.flatMap((goods) => UNITS.map((unit) => ({ place, goods, unit })))),
  );
  // Half of them near each other, so that each of the three words has to count.
  const chosen = triples.slice(0, count).flatMap(({ place, goods, unit }, at) => [
    { key: `d${at}`, place, goods, unit },
    { key: `d${at}/place`, place: draw.one(PLACES.filter((other) => other !== place)), goods, unit },
    { key: `d${at}/goods`, place, goods: draw.one(GOODS.filter((other) => other !== goods)), unit },
    { key: `d${at}/unit`, place, goods, unit: draw.one(UNITS.filter((other) => other !== unit)) },
  ]);
  const seen = new Set<string>();
  for (const { key, place, goods, unit } of draw.shuffled(chosen)) {
    const name = `${place} ${goods} ${unit}`;
    if (seen.has(name)) continue;
    seen.add(name);
    draft.memories.push({ key, text: `There are ${2 + draw.below(97)} ${unit} of ${goods} in the ${place}.` });
    if (key.includes('/')) continue;
    draft.queries.push({ kind: 'distractor', text: `How many ${unit} of ${goods} are in the ${place}?`, keys: [key] });
  }
};

const lineOf = (draw: Draw, scope: string, queries: number): QualityLine => {
  const draft: Draft = { memories: [], queries: [] };
  paraphrases(draw, draft, queries);
  identifiers(draw, draft, queries);
  negations(draw, draft, queries);
  distractors(draw, draft, queries);
  const chatter = new Set(
    Array.from({ length: CHATTER_COUNT }, () => sentence(draw.one(CHATTER).replaceAll('{P}', draw.one(PEOPLE)))),
  );
  for (const text of chatter) draft.memories.push({ key: '', text });
  const ids = new Map<string, string>();
  const memories = draw.shuffled(draft.memories).map(({ key, text }, at) => {
    const id = `${scope}/${at}`;
    if (key !== '') ids.set(key, id);
    return { id, text };
  });
  return {
    scope,
    memories,
    queries: draw.shuffled(draft.queries).flatMap(({ kind, text, keys }) => {
      const relevant = keys.flatMap((key) => ids.get(key) ?? []);
      return relevant.length === 0 ? [] : [{ kind, text, relevant }];
    }),
  };
};

/** The same set for the same options. */
export const generateSet = ({ seed, scopes, queries }: GeneratorOptions): QualityLine[] =>
  Array.from({ length: scopes }, (_, at) => lineOf(new Draw(seed * 1_000 + at), `scope-${at}`, queries));
