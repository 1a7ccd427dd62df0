/**
 * Makes a roster of which records were lost whole again, from what else is known of its agents. Pure. What an agent had
 * come to is lost with its record: it is at work again, and is reminded as everybody else.
 *
 * Invariants: R5 Afterwards every name that a record mentions has a record, so that no command meets a missing one, and
 * supervisors and subordinates say the same of each other. R6 Agents plus slots do not exceed `agentsMax`, or nobody has
 * slots: a record that was made anew, or of which an older version is left, has slots for agents who are there already.
 */
import type { StoreChange } from '../journal/shard-log.ts';
import { ALLOCATORS_MAX } from '../protocol/ids.ts';
import { BOSS } from './names.ts';
import { type FoundArgs, firstMeta, type Recruiting, rosterRow } from './roster-hire.ts';
import {
  AGENT_PREFIX,
  META_KEY,
  QUIET_KEY,
  type QuietResult,
  type RosterAgent,
  type RosterMeta,
} from './roster-state.ts';

/** What is known of an agent from elsewhere. */
export type KnownAgent = Recruiting & { readonly id: number; readonly shard: number };

export interface RosterRemains {
  readonly meta: RosterMeta | undefined;
  readonly lastQuiet: QuietResult | undefined;
  readonly rows: readonly RosterAgent[];
  readonly known: readonly KnownAgent[];
  /** How the society was founded, as far as that can be told. */
  readonly founding: FoundArgs | null;
}

export interface RosterRepair {
  /** What makes it whole. */
  readonly changes: readonly StoreChange[];
  /** Agents of the society, and how many there may be. More than that: nobody is hired any more. */
  readonly agents: number;
  readonly agentsMax: number;
  /** Slots that were taken away, since those they were for are there already. */
  readonly slotsTaken: number;
}

/** Rows that are changed one by one; what was changed is noted. */
class Rows {
  readonly all: Map<string, RosterAgent>;
  readonly changed = new Set<string>();

  constructor(rows: readonly RosterAgent[]) {
    this.all = new Map(rows.map((row) => [row.name, row]));
  }

  put(row: RosterAgent): void {
    this.all.set(row.name, row);
    this.changed.add(row.name);
  }

  get slots(): number {
    return [...this.all.values()].reduce((sum, { slots }) => sum + slots, 0);
  }
}

/** The changes that make it whole; null when the roster cannot be made again. */
export const repairRoster = (remains: RosterRemains): RosterRepair | null => {
  const rows = new Rows(remains.rows);
  for (const agent of remains.known) if (!rows.all.has(agent.name)) rows.put(rosterRow(agent));
  const agents = rows.all.size;
  if (agents > 0 && !rows.all.has(BOSS)) return null;
  const meta = metaOf(remains);
  if (meta === null) return agents === 0 ? { changes: [], agents, agentsMax: 0, slotsTaken: 0 } : null;
  const remade = new Set(rows.changed);
  connect(rows);
  const { agentsMax } = meta.limits;
  const slotsTaken = takeSlots(rows, remade, agents + rows.slots - agentsMax);
  const changes: StoreChange[] = [...rows.changed].map((name) => ({
    key: `${AGENT_PREFIX}${name}`,
    value: rows.all.get(name),
  }));
  const idCount = Math.max(meta.idCount, ...[...rows.all.values()].map(({ id }) => Math.floor(id / ALLOCATORS_MAX)));
  if (remains.meta === undefined || idCount > meta.idCount)
    changes.push({ key: META_KEY, value: { ...meta, idCount } });
  // Given out again, it would meet names that nobody knows.
  if (remains.lastQuiet?.mails.some(({ to }) => !rows.all.has(to.name)) === true) {
    changes.push({ key: QUIET_KEY, value: undefined });
  }
  return { changes, agents, agentsMax, slotsTaken };
};

/** Everybody has a supervisor who is there, and stands among that one's subordinates, and no other's (R5). */
const connect = (rows: Rows): void => {
  const led = new Map<string, string[]>();
  // In the order in which they were hired.
  for (const row of [...rows.all.values()].toSorted((left, right) => left.id - right.id)) {
    const supervisor = row.name === BOSS ? null : rows.all.has(row.supervisor ?? '') ? row.supervisor : BOSS;
    if (supervisor !== row.supervisor) rows.put({ ...row, supervisor });
    if (supervisor !== null) led.set(supervisor, [...(led.get(supervisor) ?? []), row.name]);
  }
  for (const row of rows.all.values()) {
    const own = new Set(led.get(row.name));
    // As it has them, then those that it does not know of.
    const subordinates = [...new Set([...row.subordinates.filter((name) => own.has(name)), ...own])];
    const same = subordinates.length === row.subordinates.length && row.subordinates.every((name) => own.has(name));
    if (!same) rows.put({ ...row, subordinates });
  }
};

/** How many slots those below `row` were hired with, at most: one each, and what they may hire themselves. */
const below = (rows: Rows, row: RosterAgent, seen = new Set([row.name])): number => {
  let sum = 0;
  for (const name of row.subordinates) {
    const member = rows.all.get(name);
    if (member === undefined || seen.has(name)) continue;
    seen.add(name);
    sum += 1 + member.slots + below(rows, member, seen);
  }
  return sum;
};

/**
 * Takes `excess` slots away (R6): from those whose record was made anew as far as they have hired, since it says what they
 * could hire in the beginning; then from others who have hired, whose record may be an older one; then from anybody.
 * @returns how many were taken
 */
const takeSlots = (rows: Rows, remade: ReadonlySet<string>, excess: number): number => {
  const all = [...rows.all.values()].toSorted((left, right) => right.depth - left.depth || left.id - right.id);
  const order = [...all.filter(({ name }) => remade.has(name)), ...all.filter(({ name }) => !remade.has(name))];
  let taken = 0;
  for (const hiredOnly of [true, false]) {
    for (const { name } of order) {
      const row = rows.all.get(name);
      if (row === undefined || row.slots === 0 || taken >= excess) continue;
      const take = Math.min(row.slots, excess - taken, hiredOnly ? below(rows, row) : row.slots);
      if (take > 0) rows.put({ ...row, slots: row.slots - take });
      taken += take;
    }
  }
  return taken;
};

/** Above every number that a mail of a quiet moment had before: an agent reads no number twice. */
const QUIET_MAILS_BEYOND = 1_000_000;

const metaOf = ({ meta, founding }: RosterRemains): RosterMeta | null => {
  if (meta !== undefined) return meta;
  return founding === null ? null : { ...firstMeta(founding), quietMails: QUIET_MAILS_BEYOND };
};
