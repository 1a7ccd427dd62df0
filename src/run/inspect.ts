/**
 * Looks into a run directory without taking part: live, finished or killed. It reads `run.json` and the journal,
 * changes nothing, and only probes whether somebody holds the lease.
 */
import { isLeaseHeld, readJournal, type JournalReader, type ServiceStore } from '../journal/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { unheardIn } from '../runtime/unheard.ts';
import {
  agentStateSchema,
  questionsOfRows,
  Roster,
  type AgentState,
  type RosterRow,
  type RosterSummary,
} from '../society/index.ts';
import { nearNames } from '../society/near-names.ts';
import { agentDetail } from './inspect-agent.ts';
import { RUN_STORE } from './run-store.ts';
import { planQuestion } from './plan-consent.ts';
import { RunDirectory, type RunFile } from './run-directory.ts';
import { hasEnded } from './resumable.ts';
import { missingOf, withUnheard } from './unheard.ts';
import type { InspectedAgent, Inspection, InspectOptions } from './types.ts';

const EMPTY_LOG_HASH = '';

/** The store of a journal that is only read, for code that expects one it could write. */
const readOnlyStore = (journal: JournalReader, name: string): ServiceStore => {
  const store = journal.store(name);
  return {
    get: (key) => Promise.resolve(store.get(key)),
    range: (from, to) => Promise.resolve(store.range(from, to)),
    result: (id) => Promise.resolve(store.result(id)),
    commit: () => Promise.reject(new MegactorError('INTERNAL', 'this store is only read')),
  };
};

export const statusOf = (run: RunFile, directory: RunDirectory): Inspection['status'] => {
  if (run.status !== 'running') return run.status;
  return isLeaseHeld(directory.path) ? 'running' : 'killed';
};

type Inspected = InspectedAgent & { readonly id: number };

/** @param over nobody will go on with the run: a turn that its end has cut off is no turn any more */
const stateOf = (row: RosterRow | undefined, state: AgentState | null, over: boolean): InspectedAgent['state'] => {
  if (row?.status === 'retired' || row?.status === 'failed' || row?.status === 'finished') return row.status;
  const phase = state?.phase ?? 'idle';
  return over && (phase === 'processing' || phase === 'responding') ? 'idle' : phase;
};

interface Look {
  readonly state: AgentState | null;
  readonly mail: number;
  readonly over: boolean;
}

const inspected = (row: RosterRow, { state, mail, over }: Look): Inspected => {
  const counters = state?.counters ?? row.counters;
  return {
    id: row.id,
    name: row.name,
    level: row.level,
    state: stateOf(row, state, over),
    ...(row.held === null ? {} : { waitsFor: row.held }),
    ...(row.questions.length === 0 ? {} : { questions: row.questions }),
    mail,
    checklist: row.checklist,
    turns: counters?.turns ?? 0,
    calls: counters?.calls ?? 0,
  };
};

const inspectAgents = (journal: JournalReader, roster: readonly RosterRow[], over: boolean): InspectedAgent[] => {
  const rows = new Map(roster.map((row) => [row.id, row]));
  const agents: Inspected[] = [];
  for (const shard of journal.shards) {
    const mail = new Map<number, number>();
    for (const { entry } of shard.deliveries) {
      if (entry.kind === 'mail') mail.set(entry.mail.to, (mail.get(entry.mail.to) ?? 0) + 1);
    }
    for (const actor of shard.actors) {
      const row = rows.get(actor.record.id);
      if (row === undefined) continue;
      const parsed = agentStateSchema.safeParse(actor.state);
      agents.push(inspected(row, { state: parsed.success ? parsed.data : null, mail: mail.get(row.id) ?? 0, over }));
      rows.delete(row.id);
    }
  }
  // The actor of one that crashed for good is gone; the others without an actor are about to be spawned.
  for (const row of rows.values())
    if (row.status === 'failed') agents.push(inspected(row, { state: null, mail: 0, over }));
  agents.sort((left, right) => left.id - right.id);
  return agents.map(({ id: _id, ...agent }) => agent);
};

const rowsOf = ({ shards }: JournalReader, { rows }: RosterSummary): readonly RosterRow[] => {
  const there = new Set(shards.flatMap(({ actors }) => actors.map(({ record }) => record.id)));
  const failures = shards.flatMap(({ deliveries }) => unheardIn(deliveries));
  return withUnheard(rows, missingOf(rows, there), failures);
};

const noSuchAgent = (name: string, names: Iterable<string>): MegactorError => {
  const near = nearNames(name, names).map((candidate) => `"${candidate}"`);
  return new MegactorError('AGENT_NOT_FOUND', `there is no agent called "${name.slice(0, 80)}" in this run`, {
    hint: near.length === 0 ? undefined : `Did you mean ${near.join(' or ')}?`,
  });
};

/** @throws RUN_DIR_NOT_FOUND, RUN_DIR_FOREIGN, RUN_FORMAT, AGENT_NOT_FOUND, JOURNAL_DAMAGED, DISK */
export const inspectRun = async (runDir: string, { agent }: InspectOptions = {}): Promise<Inspection> => {
  const { directory, run } = RunDirectory.open(runDir);
  const { runId } = run;
  const status = statusOf(run, directory);
  const journal = run.settings.durability === 'none' ? null : await journalOf(directory);
  if (journal === null) {
    if (agent !== undefined) throw noSuchAgent(agent, []);
    return { runId, status, agents: [], logHash: EMPTY_LOG_HASH };
  }
  try {
    const rows = rowsOf(journal, (await Roster.open(readOnlyStore(journal, 'roster'))).summary());
    const agents = inspectAgents(journal, rows, hasEnded(run));
    const { logHash } = journal;
    const plan = await planQuestion(readOnlyStore(journal, RUN_STORE));
    const asked = [...(plan === null ? [] : [plan]), ...questionsOfRows(rows)];
    const questions = asked.length === 0 ? {} : { questions: asked };
    if (agent === undefined) return { runId, status, agents, ...questions, logHash };
    const row = rows.find(({ name }) => name === agent);
    if (row === undefined)
      throw noSuchAgent(
        agent,
        rows.map(({ name }) => name),
      );
    const shown = agents.filter(({ name }) => name === agent);
    return { runId, status, agents: shown, logHash, agent: agentDetail(journal, row) };
  } finally {
    await journal.close();
  }
};

/** null for a run in its first moments, which has no journal yet. */
export const journalOf = async (directory: RunDirectory): Promise<JournalReader | null> => {
  try {
    return await readJournal(directory.path);
  } catch (error) {
    if (!(error instanceof MegactorError) || error.code !== 'RUN_DIR_NOT_FOUND') throw error;
    if (!directory.hasBegun()) return null;
    throw new MegactorError('JOURNAL_DAMAGED', `the journal of ${directory.path} is missing or empty`);
  }
};
