/**
 * What the model calls of a run were good for, read from its events. Pure.
 *
 * A call is **useful** when its answer made at least one tool call that succeeded and that is neither `terminate` nor
 * `change_task_status`; so is the plan. All others are counted by what they were instead, each in one kind:
 *
 * - `terminate`: of the calls that succeeded, only `terminate`, with or without the checklist beside it
 * - `checklist`: only `change_task_status`
 * - `waiting`: a text that went to nobody
 * - `text`: a text that went to the supervisor or to the user
 * - `repair`: an answer that could not be used: broken JSON, wrong arguments, refused, empty, cut off
 * - `refused`: every call was well-formed and none succeeded
 * - `compaction`: a summary of what no longer fits into the window
 *
 * A nudge is mail and no call; what answers it is counted like any other answer.
 */
import { z } from 'zod';

export const USEFUL_KINDS = ['plan', 'hiring', 'talk', 'files', 'review', 'other'] as const;
export const WASTE_KINDS = ['terminate', 'checklist', 'waiting', 'text', 'repair', 'refused', 'compaction'] as const;

export type UsefulKind = (typeof USEFUL_KINDS)[number];
export type AnswerKind = UsefulKind | (typeof WASTE_KINDS)[number];

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('modelCall'), agent: z.string(), class: z.string(), sentAs: z.string().optional() }),
  z.object({
    type: z.literal('tool'),
    agent: z.string(),
    tool: z.string(),
    ok: z.boolean(),
    code: z.string().optional(),
  }),
  z.object({ type: z.literal('message'), agent: z.string(), to: z.string(), kind: z.string().nullish() }),
  z.object({ type: z.literal('hired'), agent: z.string(), by: z.string() }),
  z.object({
    type: z.literal('review'),
    agent: z.string(),
    by: z.string(),
    verdict: z.enum(['accept', 'revise']),
    round: z.int(),
    status: z.string(),
  }),
]);

export type RunEvent = z.infer<typeof eventSchema>;

const TYPES = new Set<unknown>(['modelCall', 'tool', 'message', 'hired', 'review']);
const typeSchema = z.looseObject({ type: z.string() });

/** @param text of `events.jsonl`; a line that was not written to its end is left out */
export const readEvents = (text: string): RunEvent[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => typeSchema.parse(JSON.parse(line)))
    .filter(({ type }) => TYPES.has(type))
    .map((event) => eventSchema.parse(event));

/** One answer of a model and what followed from it. */
interface Answer {
  readonly agent: string;
  readonly answerClass: string;
  readonly compaction: boolean;
  readonly succeeded: string[];
  readonly failed: string[];
  said: boolean;
}

/** Events of one agent are in order, those of different agents need not be. */
const answersOf = (events: readonly RunEvent[]): Answer[] => {
  const answers: Answer[] = [];
  const current = new Map<string, Answer>();
  for (const event of events) {
    if (event.type === 'modelCall') {
      const compaction = event.sentAs !== undefined;
      const answer = {
        agent: event.agent,
        answerClass: event.class,
        compaction,
        succeeded: [],
        failed: [],
        said: false,
      };
      answers.push(answer);
      if (!compaction) current.set(event.agent, answer);
      continue;
    }
    const answer = current.get(event.agent);
    if (answer === undefined) continue;
    if (event.type === 'tool') {
      if (event.ok) answer.succeeded.push(event.tool);
      else answer.failed.push(event.code ?? '');
    } else if (event.type === 'message') answer.said = true;
  }
  return answers;
};

const CLOSING = new Set(['terminate', 'change_task_status']);
/** Codes of calls that were no calls. */
const MALFORMED = new Set(['INVALID_ARGUMENTS', 'UNKNOWN_TOOL']);

const USEFUL_BY_TOOL: Readonly<Record<string, UsefulKind>> = {
  add_agent: 'hiring',
  add_team: 'hiring',
  talk: 'talk',
  review: 'review',
  read_file: 'files',
  write_file: 'files',
  edit_file: 'files',
  append_file: 'files',
  list_files: 'files',
  search_files: 'files',
};

const kindOf = ({ answerClass, compaction, succeeded, failed, said }: Answer): AnswerKind => {
  if (compaction) return 'compaction';
  const work = succeeded.filter((tool) => !CLOSING.has(tool));
  if (work.length > 0) {
    const kinds = new Set(work.map((tool) => USEFUL_BY_TOOL[tool] ?? 'other'));
    return USEFUL_KINDS.find((kind) => kinds.has(kind)) ?? 'other';
  }
  if (succeeded.includes('terminate')) return 'terminate';
  if (succeeded.length > 0) return 'checklist';
  if (failed.length > 0) return failed.every((code) => MALFORMED.has(code)) ? 'repair' : 'refused';
  if (answerClass === 'prose') return said ? 'text' : 'waiting';
  return 'repair';
};

export interface AnswerCounts {
  readonly calls: number;
  readonly useful: number;
  readonly byKind: Readonly<Record<AnswerKind, number>>;
}

/**
 * @param calls model calls of the whole run as its summary counts them: those without an event are the planner's, of which
 * one is the plan
 */
export const countAnswers = (events: readonly RunEvent[], calls: number): AnswerCounts => {
  const byKind = Object.fromEntries([...USEFUL_KINDS, ...WASTE_KINDS].map((kind) => [kind, 0])) as Record<
    AnswerKind,
    number
  >;
  const answers = answersOf(events);
  for (const answer of answers) byKind[kindOf(answer)] += 1;
  const planner = calls - answers.length;
  byKind.plan += Math.min(1, planner);
  byKind.repair += Math.max(0, planner - 1);
  const useful = USEFUL_KINDS.reduce((sum, kind) => sum + byKind[kind], 0);
  return { calls, useful, byKind };
};

export interface AdminCounts {
  /** Model calls of agents under the Boss or deeper that lead others. */
  readonly calls: number;
  /** Mails that came to them from those they hired: results, reports, questions. */
  readonly reports: number;
}

/** How often Admins asked the model, and how often they heard of their groups. */
export const countAdmins = (events: readonly RunEvent[]): AdminCounts => {
  const hired = events.filter((event) => event.type === 'hired');
  const leader = new Map(hired.map(({ agent, by }) => [agent, by]));
  // Who was hired with slots is an Admin from its first recruit on.
  const admins = new Set(hired.map(({ by }) => by).filter((by) => leader.has(by) && leader.get(by) !== 'user'));
  const calls = events.filter(
    (event) => event.type === 'modelCall' && event.sentAs === undefined && admins.has(event.agent),
  );
  const reports = events.filter(
    (event) => event.type === 'message' && admins.has(event.to) && leader.get(event.agent) === event.to,
  );
  return { calls: calls.length, reports: reports.length };
};

export interface ReviewCounts {
  /** Agents whose output was made bad on purpose. */
  readonly planted: number;
  /** Of them, those whose work was sent back. */
  readonly revised: number;
  /** Agents reviewed whose output was good. */
  readonly good: number;
  readonly goodSentBack: number;
}

/** @param planted names of agents */
export const countReviews = (events: readonly RunEvent[], planted: ReadonlySet<string>): ReviewCounts => {
  const reviews = events.filter((event) => event.type === 'review');
  const sentBack = new Set(reviews.filter(({ verdict }) => verdict === 'revise').map(({ agent }) => agent));
  const good = new Set(reviews.map(({ agent }) => agent).filter((agent) => !planted.has(agent)));
  return {
    planted: planted.size,
    revised: [...planted].filter((agent) => sentBack.has(agent)).length,
    good: good.size,
    goodSentBack: [...good].filter((agent) => sentBack.has(agent)).length,
  };
};
