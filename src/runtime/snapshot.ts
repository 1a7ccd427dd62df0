/** What can be told of an actor without its help. Plain data, made on request. */
import type { RecoveredActor } from '../journal/shard-log.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { ActorCell, CellStatus } from './cell.ts';
import { holdOf, type Hold } from './hold.ts';
import type { ShardCore } from './shard-core.ts';

export interface ActorSnapshot {
  readonly name: string;
  readonly id: number;
  readonly shard: number;
  /** `module#export`. */
  readonly definition: string;
  readonly durable: boolean;
  readonly status: CellStatus;
  /** What holds it back although it has mail; null when nothing does. */
  readonly hold: Hold;
  /** Items waiting. */
  readonly mailbox: number;
  /** How many of them the journal alone holds. */
  readonly spilled: number;
  readonly stashed: number;
  /** Steps that have ended; turns for an ephemeral actor. */
  readonly step: number;
  /** A copy; undefined when it cannot be copied. */
  readonly state: unknown;
  readonly historyLength: number;
  readonly restarts: number;
  /** True when its host did not answer, and this is what the journal holds. */
  readonly stale: boolean;
  readonly parent: ActorAddress | null;
  readonly children: number;
}

/** Which fields to tell of a state that is an object; absent: the whole state. */
export interface InspectOptions {
  readonly state?: readonly string[] | undefined;
}

/** Those of its fields that are asked for; what is no object is told whole. */
const partOf = (state: unknown, { state: names }: InspectOptions): unknown => {
  if (names === undefined || typeof state !== 'object' || state === null) return state;
  return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name)));
};

const copyOf = (state: unknown): unknown => {
  try {
    return structuredClone(state);
  } catch {
    return undefined;
  }
};

export const withPart = (snapshot: ActorSnapshot, options: InspectOptions): ActorSnapshot =>
  options.state === undefined ? snapshot : { ...snapshot, state: partOf(snapshot.state, options) };

export const snapshotOf = (core: ShardCore, cell: ActorCell, options: InspectOptions = {}): ActorSnapshot => ({
  name: cell.ref.name,
  id: cell.ref.id,
  shard: cell.ref.shard,
  definition: `${cell.origin.module}#${cell.origin.export}`,
  durable: cell.durable !== null,
  status: cell.status,
  hold: holdOf(core, cell),
  mailbox: cell.mailbox.waitingLength + (cell.durable?.retry?.length ?? 0),
  spilled: cell.mailbox.spilled,
  stashed: cell.stash?.length ?? 0,
  step: cell.durable?.step ?? cell.turn,
  state: copyOf(partOf(cell.state, options)),
  historyLength: cell.durable?.history.length ?? 0,
  restarts: cell.restartCount,
  stale: false,
  parent: cell.parent,
  children: cell.children?.size ?? 0,
});

/** A passive actor, as the journal holds it. @param waiting what waits for it */
export const snapshotOfPassive = (
  shard: number,
  found: RecoveredActor,
  waiting: { readonly items: number; readonly positions: number },
): ActorSnapshot => ({
  name: found.record.name,
  id: found.record.id,
  shard,
  definition: `${found.record.module}#${found.record.export}`,
  durable: true,
  status: 'passive',
  hold: null,
  mailbox: waiting.items,
  spilled: waiting.positions,
  stashed: 0,
  step: found.step,
  state: found.state,
  historyLength: found.history.length,
  restarts: 0,
  stale: false,
  parent: found.record.parent,
  children: found.children.length,
});
