/**
 * Makes a roster of which records were lost whole again, from what else is known of its agents. Pure. What an agent had
 * come to is lost with its record: it is at work again, and is reminded as everybody else.
 *
 * Invariant: R5 Afterwards every name that a record mentions has a record, so that no command meets a missing one.
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

/** The changes that make it whole; null when the roster cannot be made again. */
export const repairRoster = (remains: RosterRemains): readonly StoreChange[] | null => {
  const { known } = remains;
  const rows = new Map(remains.rows.map((row) => [row.name, row]));
  const changed = new Set<string>();
  const put = (row: RosterAgent): void => {
    rows.set(row.name, row);
    changed.add(row.name);
  };
  for (const agent of known) if (!rows.has(agent.name)) put(rosterRow(agent));
  if (rows.size > 0 && !rows.has(BOSS)) return null;
  const added = [...changed];
  for (const row of rows.values()) {
    const supervisor = row.name === BOSS ? null : rows.has(row.supervisor ?? '') ? row.supervisor : BOSS;
    const subordinates = row.subordinates.filter((name) => rows.has(name));
    if (supervisor !== row.supervisor || subordinates.length < row.subordinates.length) {
      put({ ...row, supervisor, subordinates });
    }
  }
  for (const name of added) {
    const leader = rows.get(rows.get(name)?.supervisor ?? '');
    if (leader === undefined || leader.subordinates.includes(name)) continue;
    put({ ...leader, subordinates: [...leader.subordinates, name] });
  }
  const changes: StoreChange[] = [];
  for (const name of changed) {
    const row = rows.get(name);
    if (row !== undefined) changes.push({ key: `${AGENT_PREFIX}${name}`, value: row });
  }
  const meta = metaOf(remains);
  if (meta === null) return rows.size === 0 ? [] : null;
  const idCount = Math.max(meta.idCount, ...[...rows.values()].map(({ id }) => Math.floor(id / ALLOCATORS_MAX)));
  if (remains.meta === undefined || idCount > meta.idCount)
    changes.push({ key: META_KEY, value: { ...meta, idCount } });
  // Given out again, it would meet names that nobody knows.
  if (remains.lastQuiet?.mails.some(({ to }) => !rows.has(to.name)) === true) {
    changes.push({ key: QUIET_KEY, value: undefined });
  }
  return changes;
};

/** Above every number that a mail of a quiet moment had before: an agent reads no number twice. */
const QUIET_MAILS_BEYOND = 1_000_000;

const metaOf = ({ meta, founding }: RosterRemains): RosterMeta | null => {
  if (meta !== undefined) return meta;
  return founding === null ? null : { ...firstMeta(founding), quietMails: QUIET_MAILS_BEYOND };
};
