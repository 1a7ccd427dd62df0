/**
 * Quotas: how the limit on agents is handed down the tree, so that the order of arrival does not decide who gets in.
 * Pure arithmetic over numbers.
 *
 * Invariant Q1: agents that exist plus slots that anybody holds is constant; no division makes slots.
 */

export interface Division {
  /** Slots for each recruit, in their order. */
  readonly shares: readonly number[];
  /** What stays with the hirer. */
  readonly rest: number;
}

/** Divides what `remaining` leaves after one slot per recruit evenly over the recruits; the rest stays. */
export const divideSlots = (remaining: number, recruits: number): Division => {
  if (recruits === 0) return { shares: [], rest: remaining };
  if (remaining < recruits) throw new RangeError(`${remaining} slots do not hold ${recruits} recruits`);
  const share = Math.floor((remaining - recruits) / recruits);
  return { shares: Array.from({ length: recruits }, () => share), rest: remaining - recruits - share * recruits };
};

/** A subordinate whose slots its hirer may have back. */
export interface Holder {
  readonly name: string;
  readonly slots: number;
  /** The plan set its slots: only what is needed is taken. */
  readonly fixed: boolean;
}

export interface Redivision {
  /** New slots of those holders that change. */
  readonly held: ReadonlyMap<string, number>;
  readonly shares: readonly number[];
  readonly rest: number;
}

/**
 * Makes room for `recruits` when `remaining` is not enough: takes back the slots of holders that have hired nobody,
 * and divides everything evenly over them and the recruits. Where that is too little, takes single slots from holders
 * with slots fixed by the plan, in their order. Null when there is no room even then.
 */
export const drawBack = (remaining: number, recruits: number, holders: readonly Holder[]): Redivision | null => {
  const free = holders.filter((holder) => !holder.fixed);
  const held = new Map<string, number>();
  let pool = remaining + free.reduce((sum, holder) => sum + holder.slots, 0);
  for (const holder of holders) {
    if (pool >= recruits) break;
    if (!holder.fixed || holder.slots === 0) continue;
    const taken = Math.min(holder.slots, recruits - pool);
    held.set(holder.name, holder.slots - taken);
    pool += taken;
  }
  if (pool < recruits) return null;
  const sharers = free.length + recruits;
  const share = Math.floor((pool - recruits) / sharers);
  for (const holder of free) held.set(holder.name, share);
  return { held, shares: Array.from({ length: recruits }, () => share), rest: pool - recruits - share * sharers };
};
