/** What the journal of a killed run holds, as far as the checks of the kill suite ask. */
import { type JournalReader, readJournal, type StoreReader } from '../../src/journal/index.ts';
import { agentStateSchema } from '../../src/society/index.ts';

/** How many messages, by the id of the sender. */
export type SentMail = ReadonlyMap<number, number>;

export interface AgentSnapshot {
  readonly steps: number;
  /** Model answers in the journal: those of committed steps, and the one kept for the step in progress. */
  readonly answers: number;
  readonly messages: number;
}

export interface RunSnapshot {
  readonly agents: ReadonlyMap<string, AgentSnapshot>;
  readonly plannerAnswers: number;
  /** What steps sent that are in the journal, or were in it when it was compacted. */
  readonly sent: SentMail;
  /** Agents of whose mail, sent by committed steps, some is in no inbox. */
  readonly mailLost: readonly string[];
  /** Steps whose tools have acted although no answer of a model is journaled for them. */
  readonly actedUnrecorded: readonly string[];
  /** As the journal knows it, how many processes have sent the call that an agent's step makes; its mark is not waited for. */
  readonly senders: ReadonlyMap<string, number>;
}

const PLANNER = '_planner';

/** A step has at most this many tool calls that a trial looks for. */
const TOOLS_MAX = 16;

const SERVICES = ['roster', 'workspace'] as const;

const hasActed = (stores: readonly StoreReader[], step: string): boolean => {
  const keys = ['hire', ...Array.from({ length: TOOLS_MAX }, (_, index) => `tool-${index}`)];
  return keys.some((key) => stores.some((store) => store.result(`${step}/${key}`) !== undefined));
};

/** What the model service keeps of the call that last left for an agent. */
interface Mark {
  readonly effectId: string;
  readonly processes: number;
}

const agentOf = ({ effectId }: Mark): string => effectId.slice(0, effectId.indexOf('/'));

export const EMPTY_SNAPSHOT: RunSnapshot = {
  agents: new Map(),
  plannerAnswers: 0,
  sent: new Map(),
  mailLost: [],
  actedUnrecorded: [],
  senders: new Map(),
};

/** What the steps of each agent have sent: `before`, and all that the log has. */
const sentBy = (journal: JournalReader, before: SentMail): Map<number, number> => {
  const found = new Map(before);
  for (let shard = 0; shard < journal.shards.length; shard += 1) {
    for (const { outgoing } of journal.appends(shard)) {
      for (const { entry } of outgoing) {
        const sender = entry.kind === 'mail' ? entry.mail.from?.id : undefined;
        if (sender !== undefined) found.set(sender, (found.get(sender) ?? 0) + 1);
      }
    }
  }
  return found;
};

/**
 * @param cut what was sent before the journal was compacted
 * @throws JOURNAL_DAMAGED, also when something that a step sent is in no inbox
 */
export const snapshotOf = async (runDir: string, cut: SentMail = new Map()): Promise<RunSnapshot> => {
  const journal = await readJournal(runDir);
  try {
    const model = journal.store('model');
    const services = SERVICES.map((name) => journal.store(name));
    const agents = new Map<string, AgentSnapshot>();
    const actedUnrecorded: string[] = [];
    const mailLost: string[] = [];
    const sent = sentBy(journal, cut);
    const marks = new Map(model.range('sent/', 'sent0').map(([, mark]) => [agentOf(mark as Mark), mark as Mark]));
    const senders = new Map([[PLANNER, marks.get(PLANNER)?.processes ?? 0]]);
    for (const actor of journal.shards.flatMap((shard) => shard.actors)) {
      const { name } = actor.record;
      const parsed = agentStateSchema.safeParse(actor.state);
      const counters = parsed.success ? parsed.data.counters : { calls: 0, messages: 0 };
      const step = `${name}/${actor.step}`;
      const kept = model.result(`${step}/model`) !== undefined;
      if (!kept && hasActed(services, step) && actor.begun !== null && actor.begun.intents.includes('model')) {
        actedUnrecorded.push(step);
      }
      const mark = marks.get(name);
      if (mark?.effectId === `${step}/model`) senders.set(name, mark.processes);
      if (counters.messages > (sent.get(actor.record.id) ?? 0)) mailLost.push(name);
      agents.set(name, {
        steps: actor.step,
        answers: counters.calls + (kept ? 1 : 0),
        messages: counters.messages,
      });
    }
    const plannerAnswers =
      journal.store('run').result('_planner/0/plan-0') === undefined && model.result('_planner/0/plan-0') === undefined
        ? 0
        : 1;
    return { agents, plannerAnswers, sent, mailLost, actedUnrecorded, senders };
  } finally {
    await journal.close();
  }
};
