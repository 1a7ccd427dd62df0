/**
 * Everything that the journal has of one agent: waiting mail, checklist, history, effects, timers. It reads what
 * `inspect.ts` has opened, changes nothing, and shortens nothing: what is shown where is up to the command line.
 */
import type { JournalReader, RecoveredActor } from '../journal/index.ts';
import { agentMailSchema, agentStateSchema, type ChecklistItem, type RosterRow } from '../society/index.ts';
import type { AgentDetail } from './types.ts';

const mailOf = (journal: JournalReader, row: RosterRow): AgentDetail['mail'] =>
  (journal.shards[row.shard]?.deliveries ?? []).flatMap(({ seq, entry }) => {
    if (entry.kind !== 'mail' || entry.mail.to !== row.id) return [];
    const mail = agentMailSchema.safeParse(entry.mail.body);
    // What is no mail of a society has at least a place and a type.
    if (!mail.success) return [{ seq, from: '', kind: null, text: entry.mail.type }];
    const { from, kind, text } = mail.data;
    return [{ seq, from, kind, text }];
  });

/** Recorded results, oldest first: of all steps since the log begins, and of the step in progress. */
const effectsOf = (journal: JournalReader, row: RosterRow, begun: RecoveredActor['begun']): AgentDetail['effects'] => {
  const effects: AgentDetail['effects'][number][] = [];
  const seen = new Set<string>();
  const add = (step: number, key: string, result: unknown): void => {
    // What the runtime notes for itself (the time, for one) is no effect of the agent.
    if (key.startsWith('@') || seen.has(`${step} ${key}`)) return;
    seen.add(`${step} ${key}`);
    effects.push({ step, key, result });
  };
  let step = 0;
  for (const { entries } of journal.appends(row.shard)) {
    for (const entry of entries) {
      if (entry.actor !== row.id || entry.kind === 'drop') continue;
      step = entry.step;
      if (entry.kind === 'effect') add(entry.step, entry.key, entry.result);
      else if (entry.kind === 'step') for (const [key, result] of entry.effects) add(entry.step, key, result);
    }
  }
  for (const [key, result] of begun?.effects ?? []) add(step, key, result);
  return effects;
};

const checklistOf = (actor: RecoveredActor | undefined): readonly ChecklistItem[] => {
  const state = agentStateSchema.safeParse(actor?.state);
  return state.success ? state.data.checklist : [];
};

/** @throws JOURNAL_DAMAGED */
export const agentDetail = (journal: JournalReader, row: RosterRow): AgentDetail => {
  const actor = journal.shards[row.shard]?.actors.find(({ record }) => record.id === row.id);
  const begun = actor?.begun ?? null;
  return {
    name: row.name,
    supervisor: row.supervisor,
    summary: row.summary,
    checklist: checklistOf(actor),
    mail: mailOf(journal, row),
    steps: actor?.step ?? 0,
    inProgress:
      begun === null
        ? null
        : {
            taken: begun.taken,
            recorded: [...begun.effects.keys()].filter((key) => !key.startsWith('@')),
            intents: begun.intents,
          },
    history: actor?.history ?? [],
    effects: effectsOf(journal, row, begun),
    timers: (actor?.timers ?? []).map(({ key, dueMs, periodMs, type }) => ({ key, dueMs, periodMs, type })),
  };
};
