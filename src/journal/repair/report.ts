/** What a repair says it did: numbers from what was read, what is kept and what could be seen of the rest. Pure. */
import { SENT_FIELDS, SPAWN } from '../codec.ts';
import type { Cut } from './cut.ts';
import { type RebuiltShard, stepsOf } from './rebuild.ts';
import type { KeptActor } from './kept-actors.ts';
import type { SettledShard } from './settle.ts';
import type { Salvage } from './salvage.ts';
import type { ReadShards } from './shards.ts';

export interface ShardReport {
  readonly shard: number;
  /** Appends of the step log. */
  readonly log: { readonly kept: number; readonly dropped: number };
  /** Entries of the inbox: mail, signals, spawns. */
  readonly inbox: { readonly kept: number; readonly dropped: number };
  /** null: the shard itself is not damaged. */
  readonly firstDamage: string | null;
}

export interface AgentReport {
  readonly name: string;
  readonly shard: number;
  /** Steps that are kept, and steps that were seen and have to be done again. */
  readonly steps: number;
  readonly setBack: number;
  /** Entries of its history that cannot be read. */
  readonly historyLost: number;
  /** Nothing is left of it. */
  readonly gone: boolean;
}

export interface RepairReport {
  /** False: the journal is healthy and was not touched. */
  readonly repaired: boolean;
  /** `state`: a whole earlier state of the journal was there; `parts`: it was put together from what is intact. */
  readonly from: 'healthy' | 'state' | 'parts';
  /** Transactions that the kept state is older than the newest that can be seen. */
  readonly transactionsBack: number;
  readonly damagedPages: number;
  readonly shards: readonly ShardReport[];
  /** Only those that lost something: set back, without their history, or gone; the furthest first. */
  readonly agents: readonly AgentReport[];
  readonly mail: {
    /** Dropped with the steps that sent it, which send it again. */
    readonly sentAgain: number;
    /** Cannot be read, and nobody is known to send it again. */
    readonly lost: number;
    /** From outside of any step, or of a step that only a snapshot has, kept although it lay behind the cut. */
    readonly kept: number;
    /** Dropped because nobody can tell whether it was acted on. */
    readonly doubtful: number;
    /** Acted on by an actor that cannot be set back, and sent again by one that was. */
    readonly twice: number;
    /** False: `twice` is the least number, since what cannot be read may have sent more. */
    readonly exact: boolean;
  };
  /** Rows of the services' tables. */
  readonly services: {
    readonly values: number;
    readonly results: number;
    /** Damaged rows, and those of which only an older version was left. */
    readonly damaged: readonly string[];
    readonly older: readonly string[];
    /** Ranges of keys that could not be read. */
    readonly rangesLost: number;
  };
}

export interface Repaired {
  readonly salvage: Salvage;
  readonly read: ReadShards;
  readonly cuts: readonly Readonly<Cut>[];
  readonly settled: readonly SettledShard[];
  readonly rebuilt: readonly RebuiltShard[];
}

/** @param seen everything that is left of the journal, also what cannot be kept */
export const reportOf = (
  kept: Repaired,
  seen: Repaired,
  about: Pick<RepairReport, 'from' | 'transactionsBack'>,
): RepairReport => {
  const shards: ShardReport[] = [];
  const agents: AgentReport[] = [];
  const mail = { sentAgain: 0, lost: 0, kept: 0, doubtful: 0, twice: 0, exact: isExact(kept) };
  for (const [shard, cut] of kept.cuts.entries()) {
    const rebuilt = kept.rebuilt[shard];
    const settled = kept.settled[shard];
    const all = seen.read.shards[shard];
    const own = kept.read.shards[shard];
    if (rebuilt === undefined || all === undefined || own === undefined) continue;
    const outside = rebuilt.fromOutside.length;
    const logEnd = Math.max(all.logEnd, own.logEnd);
    const inboxEnd = Math.max(all.inboxEnd, own.inboxEnd);
    shards.push({
      shard,
      log: { kept: cut.log, dropped: logEnd - cut.log },
      inbox: { kept: cut.inbox + outside, dropped: inboxEnd - cut.inbox - outside },
      firstDamage: all.firstDamage ?? own.firstDamage,
    });
    const sent = behindCut(kept, shard);
    mail.kept += rebuilt.fromOutside.filter(({ kind }) => kind !== SPAWN).length;
    mail.doubtful += settled?.doubtful ?? 0;
    mail.twice += settled?.twice ?? 0;
    mail.sentAgain += sent.again;
    mail.lost += Math.max(0, inboxEnd - cut.inbox - outside - sent.again - sent.spawns);
    for (const agent of agentsOf(kept, seen, shard)) agents.push(agent);
  }
  agents.sort((left, right) => right.setBack - left.setBack);
  const { services, faults } = kept.salvage;
  return {
    repaired: about.from !== 'healthy',
    from: about.from,
    transactionsBack: about.transactionsBack,
    damagedPages: seen.salvage.faults.pages,
    shards,
    agents,
    mail,
    services: {
      values: services.values.size,
      results: services.results.size,
      damaged: faults.rows,
      older: faults.older,
      rangesLost: faults.ranges,
    },
  };
};

/** Whether every mail is known that was acted on and is sent again. */
export const isExact = ({ read, settled, cuts }: Pick<Repaired, 'read' | 'settled' | 'cuts'>): boolean => {
  const isFixed = read.shards.some(
    ({ start }, shard) =>
      start.kind === 'mark' || [...(settled[shard]?.actors.values() ?? [])].some(({ ahead }) => ahead !== 'no'),
  );
  const lacks = read.shards.some(
    ({ mayLack, appends, stray, logFirst, logEnd }, shard) =>
      mayLack && ((cuts[shard]?.log ?? 0) < logEnd || appends.length + stray.length < logEnd - logFirst),
  );
  return !isFixed || !lacks;
};

const agentsOf = (kept: Repaired, seen: Repaired, shard: number): AgentReport[] => {
  const { steps: still = new Map<number, number>() } = kept.rebuilt[shard] ?? {};
  const { actors = new Map<number, KeptActor>(), gone = [] } = kept.settled[shard] ?? {};
  const { appends = [], stray = [] } = seen.read.shards[shard] ?? {};
  const reached = stepsOf([...appends, ...stray]);
  for (const id of actors.keys()) if (!reached.has(id)) reached.set(id, 0);
  const found: AgentReport[] = gone.map((name) => ({ name, shard, steps: 0, setBack: 0, historyLost: 0, gone: true }));
  for (const [id, reachedSteps] of reached) {
    const actor = actors.get(id);
    const steps = still.get(id) ?? 0;
    const spawn = seen.read.spawns[shard]?.get(id) ?? kept.read.spawns[shard]?.get(id);
    const name = actor?.row.record.name ?? spawn?.record.name ?? `actor ${id}`;
    const setBack = Math.max(0, reachedSteps - steps);
    const historyLost = actor?.historyLost ?? 0;
    if (setBack + historyLost > 0) found.push({ name, shard, steps, setBack, historyLost, gone: false });
  }
  return found;
};

/** What appends that can be read sent to positions behind the cut. */
const behindCut = ({ read, cuts }: Repaired, shard: number): { again: number; spawns: number } => {
  const found = { again: 0, spawns: 0 };
  const seen = new Set<number>();
  for (const { appends, stray } of read.shards) {
    for (const { stored } of [...appends, ...stray]) {
      const sent = stored[4];
      for (let at = 0; at < sent.length; at += SENT_FIELDS) {
        const seq = sent[at + 1] ?? 0;
        if (sent[at] !== shard || seq < (cuts[shard]?.inbox ?? 0) || seen.has(seq)) continue;
        seen.add(seq);
        found[(sent[at + 2] ?? 0) === 0 ? 'again' : 'spawns'] += 1;
      }
    }
  }
  return found;
};
