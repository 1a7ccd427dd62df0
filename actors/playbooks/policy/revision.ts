/**
 * What becomes of a draft after its interviews: which clauses change, go or come, and because of whom. Pure.
 *
 * 1. A function of the draft and of the set of answers, not of the order in which they came.
 */
import type { Clause } from './clauses.ts';
import { CONCERNS, concernOfWish, type Concern } from './concerns.ts';
import type { Answer, Objection } from './interviews.ts';

/** An answer, and the agent that gave it. */
export interface Heard extends Answer {
  readonly agent: string;
}

/** Somebody because of whom a clause is another one. */
export interface Voice {
  readonly agent: string;
  readonly profile: string;
  readonly says: string;
}

export interface Change {
  readonly kind: 'changed' | 'dropped' | 'added';
  readonly number: number;
  readonly before: string | null;
  readonly after: string | null;
  readonly voices: readonly Voice[];
}

export interface Revision {
  readonly clauses: readonly Clause[];
  readonly changes: readonly Change[];
}

export const DROPPED = '(dropped after the interviews)';

/** `citizen_2` before `citizen_10`. */
const byNumber = (left: string, right: string): number =>
  left.length === right.length ? (left < right ? -1 : 1) : left.length - right.length;

const wishesOf = (heard: readonly Heard[]): ReadonlyMap<Concern, readonly (Voice & Objection)[]> => {
  const wishes = new Map<Concern, (Voice & Objection)[]>();
  for (const { agent, profile, objections } of heard.toSorted((left, right) => byNumber(left.agent, right.agent))) {
    for (const objection of objections) {
      const concern = concernOfWish(objection.wish);
      if (concern === undefined) continue;
      const voices = wishes.get(concern) ?? [];
      voices.push({ agent, profile, ...objection });
      wishes.set(concern, voices);
    }
  }
  return wishes;
};

const orderOf = (concern: Concern): number => CONCERNS.indexOf(concern.name);

/** The clauses after everybody was heard. */
export const revise = (draft: readonly Clause[], heard: readonly Heard[]): Revision => {
  const clauses = [...draft];
  const changes: Change[] = [];
  for (const [concern, all] of [...wishesOf(heard)].toSorted(([left], [right]) => orderOf(left) - orderOf(right))) {
    const voices = all.map(({ agent, profile, says }): Voice => ({ agent, profile, says }));
    if (concern.missing === true) {
      const after = concern.amend('', voices.length);
      if (after === null) continue;
      const number = clauses.length + 1;
      clauses.push({ number, text: after });
      changes.push({ kind: 'added', number, before: null, after, voices });
      continue;
    }
    const at = clauses.findIndex((clause) => clause.number === all[0]?.clause && concern.wording.test(clause.text));
    const clause = clauses[at];
    if (clause === undefined) continue;
    const { number, text: before } = clause;
    const after = concern.amend(before, voices.length);
    clauses[at] = { number, text: after ?? DROPPED };
    changes.push({ kind: after === null ? 'dropped' : 'changed', number, before, after, voices });
  }
  return { clauses, changes: changes.toSorted((left, right) => left.number - right.number) };
};
