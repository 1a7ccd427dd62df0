/** What must hold when a trial has come to rest. */
import type { ActorSnapshot } from '../../src/runtime/index.ts';
import type { SimulatedSystem } from '../../src/testing/index.ts';
import { TEAM_INTENSITY, type NodeState } from './actors.ts';
import type { KnownNode, Program } from './program.ts';

/** Mail of one batch may be in a mailbox beside its capacity. */
const BATCH_MAX = 64;

/** A4 of all mailboxes in memory, at any moment. */
export const checkBounds = (sim: SimulatedSystem, program: Program): void => {
  const small = new Map(program.nodes.filter(({ bounded }) => bounded).map((one) => [one.ref.id, one]));
  for (const { shards } of sim.hosts()) {
    for (const shard of shards) {
      for (const { id, mailbox, spilled } of shard.snapshots()) {
        const one = small.get(id);
        if (one === undefined) continue;
        const inMemory = mailbox - spilled;
        const bound = one.durable ? one.capacity + BATCH_MAX : one.capacity + 8;
        if (inMemory >= one.capacity) program.observer.count('full-mailbox');
        if (inMemory > bound)
          program.observer.fault(`A4 ${one.key} holds ${inMemory} items, with room for ${one.capacity}`);
      }
    }
  }
};

const stateOf = (snapshot: ActorSnapshot | undefined): NodeState | undefined =>
  snapshot?.state as NodeState | undefined;

/** A3, A5 and the journal's count, when nothing happens any more. */
export const checkRest = async (sim: SimulatedSystem, program: Program): Promise<void> => {
  const { observer } = program;
  for (const ask of program.asks) if (!ask.settled) observer.fault(`A5 ${ask.what} never settles`);
  for (const ask of observer.openAsks) observer.fault(`A5 ${ask}, and that never settles`);
  for (const { name, mailbox, stashed, status, hold } of await sim.settle(sim.system.actors())) {
    if (mailbox + stashed > 0)
      observer.fault(`A3 ${name} (${status}, held by ${hold}) has ${mailbox} items and ${stashed} stashed`);
  }
  const pending = await sim.settle(sim.system.journal?.pending() ?? Promise.resolve(0));
  if (pending !== 0) observer.fault(`J5 ${pending} are pending at rest`);
};

/** A4 and A5 of the shards: credits are back, nobody waits. */
export const checkDebts = (sim: SimulatedSystem, program: Program): void => {
  for (const { shards } of sim.hosts()) {
    for (const shard of shards) {
      const { asks, underWay, turns } = shard.debts();
      if (asks + turns > 0)
        program.observer.fault(`A5 shard ${shard.number} has ${asks} asks and ${turns} turns at rest`);
      if (underWay > 0) program.observer.fault(`A4 shard ${shard.number} lacks the credit of ${underWay} envelopes`);
    }
  }
};

const checkDurable = (program: Program, one: KnownNode, state: NodeState): void => {
  const { observer } = program;
  for (const { node, seq, acknowledged } of program.parcels) {
    if (node === one && acknowledged && !state.delivered.includes(seq))
      observer.fault(`D1 parcel ${seq} to ${one.key} is lost`);
  }
  for (const { node, value, outcome } of program.puts) {
    if (node === one && outcome === 'done' && !state.puts.includes(value)) {
      observer.fault(`D1 ${one.key} has answered to ${value} and does not have it`);
    }
  }
  for (const key of state.armed)
    if (state.fired[key] !== 1) observer.fault(`D7 timer ${key} of ${one.key} has not fired`);
};

/** D1, D2, A2 between two durable actors: everything that was sent has arrived, once. */
const checkPair = (program: Program, from: NodeState, to: NodeState): void => {
  const [sent, got, gaps] = [from.out[to.key] ?? 0, to.seen[from.key] ?? 0, to.gaps[from.key] ?? 0];
  if (sent !== got || gaps > 0) {
    program.observer.fault(`D1 ${from.key} has sent ${sent} to ${to.key}, which got ${got - gaps}, ${got} the last`);
  }
};

const checkLedger = async (sim: SimulatedSystem, program: Program, state: NodeState): Promise<void> => {
  for (const key of state.calls) {
    const count = await sim.settle(sim.system.callService('ledger', 'read', key));
    if (count !== 1) program.observer.fault(`D3 the ledger has ${String(count)} for ${key}`);
  }
};

/** What the states of the actors say. */
export const checkStates = async (sim: SimulatedSystem, program: Program, whole: boolean): Promise<void> => {
  const { observer, living } = program;
  const found = await sim.settle(sim.system.inspect(living.map(({ ref }) => ref)));
  const states = new Map(found.map((snapshot) => [snapshot.id, stateOf(snapshot)]));
  const known = living.flatMap((one) => {
    const state = states.get(one.ref.id);
    if (state === undefined) observer.fault(`${one.durable ? 'D1' : 'A6'} ${one.key} is not there any more`);
    return state === undefined ? [] : [{ one, state }];
  });
  for (const { one, state } of known) {
    if (one.durable) {
      checkDurable(program, one, state);
      await checkLedger(sim, program, state);
    }
    for (const other of known) {
      if (one.durable && other.one.durable) checkPair(program, state, other.state);
    }
  }
  if (whole) await checkDelivery(sim, program, known);
};

/** A13 where nothing dies: what the main thread told has arrived, or is a dead letter. */
const checkDelivery = async (
  sim: SimulatedSystem,
  program: Program,
  known: readonly { one: KnownNode; state: NodeState }[],
): Promise<void> => {
  const letters = await sim.settle(sim.system.deadLetters());
  const from = `main${program.process}`;
  for (const { one, state } of known) {
    const dead = letters.filter(
      ({ to, type, from: sender }) => to.id === one.ref.id && type === 'item' && sender === null,
    ).length;
    const got = (state.seen[from] ?? 0) - (state.gaps[from] ?? 0);
    if (got + dead !== one.told && dead < 1_000) {
      program.observer.fault(`A13 ${one.key} was told ${one.told}, got ${got}, and ${dead} are dead letters`);
    }
  }
};

/** A6 of those who have ended. */
export const checkWatches = (program: Program): void => {
  const { observer } = program;
  const living = new Set(program.living.map(({ ref }) => ref.id));
  for (const { ref, settled } of program.watches) {
    if (!settled && !living.has(ref.id)) observer.fault(`A6 the main thread watches ${ref.name} and is never told`);
  }
  const stopped = new Map(program.nodes.map((one) => [one.ref.id, one]));
  for (const { watcher, target } of observer.openWatches) {
    const one = stopped.get(target.id);
    if (observer.hasEnded(watcher) || one === undefined || !observer.hasEnded(one.key)) continue;
    observer.fault(`A6 ${watcher} watches ${one.key} and is never told`);
  }
};

/** A9 of those who decide alone, and of teams as far as it can be said from outside. */
export const checkRestarts = (program: Program, elapsedMs: number): void => {
  const { observer, solos } = program;
  for (const key of observer.solos) {
    const known = solos.find((one) => one.key === key);
    observer.judgeSolo(key, known !== undefined && !known.lost && known.process === program.process);
  }
  const { max, withinMs } = TEAM_INTENSITY;
  for (const [member, starts] of observer.teams) {
    const most = max * (Math.floor(elapsedMs / withinMs) + 1) + 1;
    if (starts.length > most) observer.fault(`A9 ${member} was started ${starts.length} times in ${elapsedMs} ms`);
  }
};
