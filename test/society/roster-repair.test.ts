/** A roster of which records were lost, or are left in an older version: what must hold when it is whole again. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AGENT_PREFIX,
  BOSS,
  fold,
  META_KEY,
  repairRoster,
  type FoundArgs,
  type KnownAgent,
  type RosterAgent,
  type RosterChange,
  type RosterRepair,
} from '../../src/society/index.ts';
import { planWith, treePlan } from './arbitraries.ts';
import { foundedMachine, Machine } from './machine.ts';

const recruit = (name: string) => ({ name, description: 'd', initialPrompt: 'p', woken: true });

const slotsOf = (rows: Iterable<RosterAgent>): number => [...rows].reduce((sum, { slots }) => sum + slots, 0);

/** A society of which every agent's row was written several times. */
class Society {
  readonly machine: Machine;
  /** Every row that was ever written, by name, the oldest first. */
  readonly versions = new Map<string, RosterAgent[]>();

  constructor(machine: Machine) {
    this.machine = machine;
    this.note();
  }

  note(): void {
    for (const [name, row] of this.machine.state.agents) {
      const all = this.versions.get(name) ?? [];
      if (all.at(-1) !== row) this.versions.set(name, [...all, structuredClone(row)]);
    }
  }

  hire(hirer: string, names: readonly string[]): void {
    this.machine.do('hire', { hirer, recruits: names.map(recruit) });
    this.note();
  }

  /** As an agent's actor has it: what it was hired with. */
  known(name: string): KnownAgent {
    const [first] = this.versions.get(name) ?? [];
    if (first === undefined) throw new Error(`nobody is called ${name}`);
    return { ...first, woken: true };
  }

  get founding(): FoundArgs {
    const { meta } = this.machine.state;
    if (meta === null) throw new Error('not founded');
    return { plan: meta.plan ?? planWith([]), shards: meta.shards, reviews: meta.reviews, limits: meta.limits };
  }

  /** @param fates what is left of each row, in order: the newest, an older one, or none */
  repair(fates: readonly ('kept' | 'older' | 'lost' | 'gone')[], meta = true): RosterRepair {
    const names = [...this.versions.keys()];
    const fateOf = (index: number): string => fates[index % Math.max(1, fates.length)] ?? 'kept';
    const rows = names.flatMap((name, index) => {
      const all = this.versions.get(name) ?? [];
      const row = fateOf(index) === 'older' ? all[Math.max(0, all.length - 2)] : all.at(-1);
      return row === undefined || fateOf(index) === 'lost' || (fateOf(index) === 'gone' && name !== BOSS) ? [] : [row];
    });
    const known = names.flatMap((name, index) => (fateOf(index) === 'gone' && name !== BOSS ? [] : [this.known(name)]));
    const repaired = repairRoster({
      meta: meta ? (this.machine.state.meta ?? undefined) : undefined,
      lastQuiet: undefined,
      rows: structuredClone(rows),
      known,
      founding: this.founding,
    });
    if (repaired === null) throw new Error('it could not be repaired');
    const after = new Machine();
    const change = (key: string, value: unknown): RosterChange => ({ key, value }) as RosterChange;
    after.state = fold(after.state, [
      ...(meta ? [change(META_KEY, this.machine.state.meta)] : []),
      ...rows.map((row) => change(`${AGENT_PREFIX}${row.name}`, row)),
      ...repaired.changes.map(({ key, value }) => change(key, structuredClone(value))),
    ]);
    this.machine.state = after.state;
    return repaired;
  }

  get rows(): readonly RosterAgent[] {
    return [...this.machine.state.agents.values()];
  }
}

/** Everybody hires as many as they can. */
const hireOn = (society: Society): void => {
  for (let round = 0; round < 3; round += 1) {
    for (const { name } of society.rows) society.hire(name, [`${name}${round}a`, `${name}${round}b`]);
  }
};

describe('R6 after a repair agents plus slots are within the limit', () => {
  test('whoever has hired and whose record is lost has not what it hired with a second time', () => {
    const society = new Society(foundedMachine(planWith([{ name: 'A', slots: 3 }]), 6));
    society.hire('A', ['X', 'Y', 'Z']);
    society.repair(['kept', 'lost', 'kept', 'kept', 'kept']);
    expect(society.rows.find(({ name }) => name === 'A')).toMatchObject({ slots: 0, subordinates: ['X', 'Y', 'Z'] });
    society.hire('A', ['V']);
    expect(society.rows).toHaveLength(5);
    // The Boss's own is left as it was.
    society.hire(BOSS, ['W', 'U']);
    expect(society.rows.map(({ name }) => name).toSorted()).toEqual(['A', BOSS, 'W', 'X', 'Y', 'Z']);
  });

  test('nobody whose slots are not used up loses any', () => {
    const society = new Society(foundedMachine(planWith([{ name: 'A', slots: 3 }]), 10));
    society.hire('A', ['X']);
    const repaired = society.repair(['lost', 'lost', 'lost']);
    expect(slotsOf(society.rows)).toBe(10 - 3);
    expect(repaired).toMatchObject({ agents: 3, agentsMax: 10 });
  });

  test('where more agents are there than allowed, nobody hires any more, and it is said', () => {
    const society = new Society(foundedMachine(planWith([{ name: 'A', slots: 2 }]), 12));
    society.hire(BOSS, ['B', 'C', 'D']);
    const { meta } = society.machine.state;
    if (meta === null) throw new Error('not founded');
    meta.limits = { ...meta.limits, agentsMax: 4 };
    expect(society.repair(['kept'])).toMatchObject({ agents: 5, agentsMax: 4 });
    expect(slotsOf(society.rows)).toBe(0);
    hireOn(society);
    expect(society.rows).toHaveLength(5);
  });

  test('whatever is lost of whichever society', () => {
    fc.assert(
      fc.property(
        treePlan,
        fc.integer({ min: 13, max: 40 }),
        fc.array(fc.record({ hirer: fc.nat(), count: fc.integer({ min: 1, max: 4 }) }), { maxLength: 12 }),
        fc.array(fc.constantFrom('kept', 'older', 'lost', 'gone'), { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (plan, agentsMax, hires, fates, meta) => {
          const society = new Society(foundedMachine(plan, agentsMax));
          for (const [index, { hirer, count }] of hires.entries()) {
            const by = society.rows[hirer % society.rows.length]?.name ?? BOSS;
            if (hirer % 5 === 0 && by !== BOSS) {
              society.machine.do('retire', { by: BOSS, agent: by, reason: 'r' });
              society.note();
            } else {
              society.hire(
                by,
                Array.from({ length: count }, (_, at) => `N${index}-${at}`),
              );
            }
          }
          const { agents, slotsTaken } = society.repair(fates, meta);
          expect(agents).toBe(society.rows.length);
          expect(slotsTaken).toBeGreaterThanOrEqual(0);
          expect(society.rows.length + slotsOf(society.rows)).toBeLessThanOrEqual(agentsMax);
          // Who leads whom is said by both in the same way.
          for (const { name, subordinates } of society.rows) {
            const led = society.rows.filter(({ supervisor }) => supervisor === name).map((row) => row.name);
            expect(subordinates.toSorted()).toEqual(led.toSorted());
          }
          hireOn(society);
          expect(society.rows.length).toBeLessThanOrEqual(agentsMax);
        },
      ),
      { numRuns: 100 },
    );
  });
});
