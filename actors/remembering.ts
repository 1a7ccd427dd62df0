/**
 * What an agent keeps in its memory, and what it is reminded of. Kept is what others told it, what it said and what it did,
 * once per turn, and when its window moves or its task is handed in; it is reminded when its window has left something out.
 * So an agent whose window holds everything asks nothing. What it does not do: search (`src/memory/`), or say where reminders
 * stand in a request (`request.ts`).
 *
 * Invariants: N1 Keeping and reminding are effects of the step: a replay goes the same way (D5), and nothing is kept twice.
 * N2 An agent is never reminded of what its window shows. N3 A memory that does not answer fails no step.
 */
import { agentScope, groupScope, RUN_SCOPE } from '../src/memory/owners.ts';
import type { NewMemory } from '../src/memory/types.ts';
import { MegactorError } from '../src/protocol/errors.ts';
import { clip, oneLine, SYSTEM, type AgentState } from '../src/society/index.ts';
import type { HistoryEntry, Turn } from './agent-types.ts';
import { ownService, remembers, scopesOf, whenOf } from './memory-scopes.ts';
import { CHARS_PER_TOKEN } from './request.ts';
import { saysWaiting } from './waiting.ts';

/** Of one memory. */
const TEXT_CHARS_MAX = 2_000;
/** Of what a done thing held: its beginning says what it was about. */
const CONTENT_CHARS_MAX = 300;
const QUERY_CHARS_MAX = 2_000;
const REMINDERS_MAX = 12;
/** Shorter texts stand in a window by chance. */
const SHOWN_CHARS_MIN = 20;

type Said = Pick<NewMemory, 'text' | 'kind' | 'agent'>;
/** The memory says when: what a step knows of time would make its log depend on the moment. */
type Timeless = Omit<NewMemory, 'when'>;
/** Who else is to know of it. */
type Kept = Said & { readonly shared?: 'group' | 'run' };

/** The mails of a batch as it stands in the history; the runtime's own are not worth keeping. */
export const mailsIn = (content: string): Said[] => {
  const mails: string[][] = [];
  for (const line of content.split('\n')) {
    if (line.startsWith('  ')) mails.at(-1)?.push(line.slice(2));
    else mails.push([line]);
  }
  return mails.flatMap(([head = '', ...further]): Said[] => {
    const colon = head.indexOf(': ');
    const agent = head.slice(0, colon);
    if (colon <= 0 || agent === SYSTEM) return [];
    return [{ kind: 'said', agent, text: [head.slice(colon + 2), ...further].join('\n') }];
  });
};

const objectOf = (text: string): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
};

const textIn = (args: Readonly<Record<string, unknown>>, key: string): string => {
  const value = args[key];
  return typeof value === 'string' ? value : '';
};

/** Reading, and what the situation says anyway, is not kept. */
const NOT_KEPT = new Set(['read_file', 'list_files', 'search_files', 'recall', 'change_task_status']);

const keptOf = (
  agent: string,
  tool: string,
  args: Readonly<Record<string, unknown>>,
  result: Readonly<Record<string, unknown>>,
): Kept[] => {
  const done = (text: string, shared?: 'group' | 'run'): Kept[] => [
    { kind: 'done', agent, text, ...(shared === undefined ? {} : { shared }) },
  ];
  switch (tool) {
    case 'write_file':
    case 'append_file':
      return done(`${tool} ${textIn(args, 'path')}: ${oneLine(textIn(args, 'content'), CONTENT_CHARS_MAX)}`, 'group');
    case 'edit_file':
      return done(`${tool} ${textIn(args, 'path')}: ${oneLine(textIn(args, 'new'), CONTENT_CHARS_MAX)}`, 'group');
    case 'terminate':
      return done(`Handed in: ${textIn(args, 'summary')}`, 'group');
    case 'talk': {
      const messages = Array.isArray(args['messages']) ? (args['messages'] as Record<string, unknown>[]) : [];
      return messages.map((message) => ({
        kind: 'said',
        agent,
        text: `To ${textIn(message, 'to')}: ${textIn(message, 'content')}`,
      }));
    }
    default: {
      const { ok: _ok, ...more } = result;
      const text = `${tool} ${oneLine(JSON.stringify(args), CONTENT_CHARS_MAX)} → ${oneLine(JSON.stringify(more), CONTENT_CHARS_MAX)}`;
      return done(text, tool === 'run_program' ? 'group' : undefined);
    }
  }
};

const saidBy = ({ name }: AgentState, content: string | null): Kept[] => {
  const text = (content ?? '').trim();
  return text === '' || saysWaiting(text) ? [] : [{ kind: 'said', agent: name, text }];
};

/** What history entries from `from` to `until` hold that is worth keeping, with the scopes it belongs to. */
export const memoriesOf = (
  state: AgentState,
  history: readonly HistoryEntry[],
  { from, until }: { readonly from: number; readonly until: number },
): Timeless[] => {
  const memories: Timeless[] = [];
  const keep = (at: number, { shared, text, ...kept }: Kept): void => {
    const memory = { ...kept, text: clip(text, TEXT_CHARS_MAX), at };
    memories.push({ ...memory, scope: agentScope(state.name) });
    const supervisor = state.above.at(-1);
    if (shared === undefined) return;
    memories.push({ ...memory, scope: supervisor === undefined ? RUN_SCOPE : groupScope(supervisor) });
    if (text.startsWith('Handed in: ') && state.level === 'admin') memories.push({ ...memory, scope: RUN_SCOPE });
  };
  const results = new Map<string, string>();
  for (const entry of history.slice(from, until))
    if (entry.role === 'tool') results.set(entry.tool_call_id, entry.content);
  for (let at = from; at < until; at += 1) {
    const entry = history[at];
    if (entry?.role === 'user') for (const mail of mailsIn(entry.content)) keep(at, mail);
    if (entry?.role !== 'assistant') continue;
    for (const said of saidBy(state, entry.content)) keep(at, said);
    for (const { id, function: called } of entry.tool_calls ?? []) {
      const [args, result] = [objectOf(called.arguments), objectOf(results.get(id) ?? '')];
      if (NOT_KEPT.has(called.name) || args === null || result?.['ok'] !== true) continue;
      for (const kept of keptOf(state.name, called.name, args, result)) keep(at, kept);
    }
  }
  return memories;
};

/** Failures of the memory alone; everything else concerns the step. */
const isItsOwn = (error: unknown): error is MegactorError =>
  error instanceof MegactorError && error.code.startsWith('SERVICE_');

/** Keeps what stands in the history before `until` and was not kept yet. */
export const remember = async ({ state, ctx }: Turn, until: number, key = 'remember'): Promise<void> => {
  if (!remembers(state)) return;
  const from = Math.max(1, state.remembered);
  if (until <= from) return;
  const memories = memoriesOf(state, ctx.history as readonly HistoryEntry[], { from, until });
  if (memories.length > 0) {
    const failed = await ctx.effect(
      key,
      async (effectId): Promise<string | null> => {
        try {
          const deadlineMs = state.settings.limits.serviceDeadlineMs;
          await ctx.service(ownService(state), 'add', { memories }, { effectId, deadlineMs });
          return null;
        } catch (error) {
          if (isItsOwn(error)) return error.code;
          throw error;
        }
      },
      { record: 'step' },
    );
    if (failed !== null) {
      // The next turn tries again.
      ctx.event({ type: 'limit', agent: state.name, limit: 'memory', code: failed });
      return;
    }
  }
  state.remembered = until;
};

/** One reminder as the model sees it. @param when milliseconds since the epoch */
const reminderOf = ({ text, when, agent }: { text: string; when: number; agent: string }): string =>
  `- ${whenOf(when)} ${agent}: ${oneLine(text, TEXT_CHARS_MAX)}`;

const isShown = (text: string, query: string): boolean => {
  const body = text.replace(/^(?:To \S+|Handed in): /u, '').slice(0, 200);
  return body.length >= SHOWN_CHARS_MIN && query.includes(body);
};

/** What the tail of the request reminds of, for the batch that the turn began with; asked for once a turn. */
export const remind = async ({ state, ctx }: Turn): Promise<void> => {
  const { turn, settings, windowStart, name } = state;
  if (turn === null || !remembers(state) || windowStart <= 1) return;
  if (turn.reminders !== undefined && turn.remindAgain !== true) return;
  const query = queryOf(ctx.history as readonly HistoryEntry[], turn.began);
  if (query === null) return;
  const { reminders, again } = await ctx.effect(
    'recall',
    async (): Promise<{ readonly reminders: string[]; readonly again: boolean }> => {
      const ask = { scopes: scopesOf(state), query, k: REMINDERS_MAX, before: { agent: name, at: windowStart } };
      try {
        const options = { deadlineMs: settings.limits.serviceDeadlineMs };
        const found = await ctx.service(ownService(state), 'recall', ask, options);
        const all = found.memories.filter(({ text }) => !isShown(text, query)).map(reminderOf);
        return { reminders: fitting(all, settings.limits.recallTokensMax), again: found.meaning === 'waiting' };
      } catch (error) {
        if (isItsOwn(error)) return { reminders: [], again: false };
        throw error;
      }
    },
    { record: 'step' },
  );
  turn.reminders = reminders;
  // The meaning of the batch is known a step later; then it is asked once more.
  turn.remindAgain = again && turn.remindAgain === undefined;
};

/** The first that have room. */
const fitting = (lines: readonly string[], tokensMax: number): string[] => {
  let left = tokensMax * CHARS_PER_TOKEN;
  return lines.filter((line) => {
    left -= line.length;
    return left >= 0;
  });
};

/** What a turn's reminders are looked up by: the mail it began with. */
const queryOf = (history: readonly HistoryEntry[], began: number | undefined): string | null => {
  const entry = began === undefined ? undefined : history[began];
  return entry?.role === 'user' ? entry.content.slice(0, QUERY_CHARS_MAX) : null;
};
