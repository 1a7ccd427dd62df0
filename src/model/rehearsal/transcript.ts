/**
 * Reads a chat request as the rehearsal's own memory: who it is, what it was told, what it did. What it does not do:
 * decide anything.
 *
 * 1. A mail begins only on a line that is not indented and names its sender, so no text can forge one.
 * 2. The `(situation)` message is ignored: it depends on time.
 * 3. Nothing here throws for odd content; what cannot be read is not there.
 */
import { z } from 'zod';
import { hashString } from '../../protocol/ids.ts';
import { readSummary } from './summary.ts';

const text = z
  .union([z.string(), z.array(z.union([z.string(), z.looseObject({ text: z.string().optional() })]))])
  .nullish()
  .transform((value): string => {
    if (value === null || value === undefined) return '';
    if (typeof value === 'string') return value;
    return value.map((part) => (typeof part === 'string' ? part : (part.text ?? ''))).join('');
  });
const toolCallSchema = z.looseObject({
  id: z.string().catch(''),
  function: z.looseObject({ name: z.string(), arguments: z.string().catch('') }),
});
const messageSchema = z.looseObject({
  role: z.string(),
  content: text,
  refusal: z.string().nullish(),
  tool_calls: z.array(toolCallSchema).nullish(),
  tool_call_id: z.string().nullish(),
});

/** A waiting agent's text starts with it; it reports nothing. */
export const WAITING = '(waiting)';

export const toolsSchema = z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).nullish();

/** The part of a chat completion request that the rehearsal reads. */
export const requestSchema = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(messageSchema),
  tools: toolsSchema,
});

export type WireBody = z.infer<typeof requestSchema>;

export interface Mail {
  /** An agent's name, `user` or `system`. */
  readonly from: string;
  /** The word in brackets that begins the text, or null. */
  readonly kind: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** One tool call of the agent and what became of it. */
export interface Action {
  readonly tool: string;
  /** null when the arguments were not the JSON text of an object. */
  readonly args: Readonly<Record<string, unknown>> | null;
  readonly ok: boolean;
  /** The error's code when it failed; '' while there is no result. */
  readonly code: string;
  /** The result, with the fields of `error` beside the rest. */
  readonly result: Readonly<Record<string, unknown>>;
}

/** One earlier answer of the agent. */
export interface PastAnswer {
  readonly text: string;
  readonly actions: readonly Action[];
  /** A hash of the calls as they were made, to recognise a repetition. */
  readonly fingerprint: string;
  readonly rawCalls: readonly { readonly tool: string; readonly arguments: string }[];
}

/** What happened to an agent, in order: mail that came together, or an answer of its own. */
export type StoryItem = { readonly mails: readonly Mail[] } | { readonly answer: PastAnswer };

export interface Transcript {
  readonly facts: ReadonlyMap<string, string>;
  /** What follows the facts in the system prompt. */
  readonly task: string;
  readonly story: readonly StoryItem[];
  readonly mails: readonly Mail[];
  readonly answers: readonly PastAnswer[];
  /** Every call of every answer, in order. */
  readonly actions: readonly Action[];
  readonly offered: ReadonlySet<string>;
  /** A nudge found this agent waiting: whoever it waits for will not come. */
  readonly waitsInVain: boolean;
}

const FACT = /^- ([a-z][a-z-]*): ?(.*)$/u;
const SENDER = /^([A-Za-z0-9_-]{1,64}): ?(.*)$/u;
const KIND = /^\[([a-z-]+)([^\]]*)\]\s*/u;
const ATTRIBUTE = /([a-z]+)=([^\s\]]+)/gu;

const readSystem = (prompt: string): { facts: Map<string, string>; task: string } => {
  const taskAt = prompt.search(/^# Your task/mu);
  const head = taskAt === -1 ? prompt : prompt.slice(0, taskAt);
  const facts = new Map<string, string>();
  for (const line of head.split('\n')) {
    const [, key, value] = FACT.exec(line.trimEnd()) ?? [];
    if (key !== undefined && !facts.has(key)) facts.set(key, (value ?? '').trim());
  }
  return { facts, task: taskAt === -1 ? '' : prompt.slice(taskAt) };
};

const readMail = (from: string, body: string): Mail => {
  const kind = KIND.exec(body);
  if (kind === null) return { from, kind: null, attributes: {}, text: body };
  const rest = body.slice(kind[0].length);
  const firstLine = rest.split('\n', 1)[0] ?? '';
  const attributes: Record<string, string> = {};
  // The runtime writes attributes after the brackets, a review's feedback has them inside.
  const source = from === 'system' ? `${kind[2]} ${firstLine}` : (kind[2] ?? '');
  for (const [, key, value] of source.matchAll(ATTRIBUTE)) {
    if (key !== undefined && value !== undefined) attributes[key] ??= value;
  }
  return { from, kind: kind[1] ?? null, attributes, text: rest };
};

/** Messages of the runtime that are no mail. */
const NO_MAIL = ['(situation)', '(compact)'];

const readMails = (content: string): Mail[] => {
  if (NO_MAIL.some((beginning) => content.startsWith(beginning))) return [];
  const mails: { from: string; lines: string[] }[] = [];
  for (const line of content.split('\n')) {
    const sender = line.startsWith('  ') ? null : SENDER.exec(line);
    if (sender === null) mails.at(-1)?.lines.push(line.startsWith('  ') ? line.slice(2) : line);
    else mails.push({ from: sender[1] ?? '', lines: [sender[2] ?? ''] });
  }
  return mails.map(({ from, lines }) => readMail(from, lines.join('\n')));
};

/** The JSON object in `source`, or null. */
const parseObject = (source: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
};

const readResult = (source: string | undefined): Pick<Action, 'ok' | 'code' | 'result'> => {
  const result = source === undefined ? null : parseObject(source);
  if (result === null) return { ok: false, code: source === undefined ? '' : 'UNREADABLE', result: {} };
  if (result['ok'] === true) return { ok: true, code: '', result };
  const error = result['error'];
  const fields = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  const code = typeof fields['code'] === 'string' ? fields['code'] : 'UNREADABLE';
  return { ok: false, code, result: { ...result, ...fields } };
};

const fingerprintOf = (calls: string): string =>
  calls === '' ? '' : hashString(calls).toString(36) + hashString(calls, 1).toString(36);

/** Whether a nudge came while the agent was waiting. */
const waitedInVain = (story: readonly StoryItem[]): boolean => {
  let waits = false;
  for (const item of story) {
    if ('answer' in item) waits = item.answer.text.startsWith(WAITING);
    else if (waits && item.mails.some((mail) => mail.from === 'system' && mail.kind === 'nudge')) return true;
  }
  return false;
};

/** The request as a transcript. */
export const readTranscript = (body: WireBody): Transcript => {
  let system = { facts: new Map<string, string>(), task: '' };
  const story: StoryItem[] = [];
  const results = new Map<string, string>();
  for (const message of body.messages) {
    if (message.role === 'tool') results.set(message.tool_call_id ?? '', message.content);
  }
  for (const message of body.messages) {
    if ((message.role === 'system' || message.role === 'developer') && system.facts.size === 0)
      system = readSystem(message.content);
    else if (message.role === 'user') {
      story.push(...(readSummary(message.content) ?? [{ mails: readMails(message.content) }]));
    } else if (message.role === 'assistant') {
      const calls = message.tool_calls ?? [];
      const answer: PastAnswer = {
        text: message.content || (message.refusal ?? ''),
        actions: calls.map((call) => ({
          tool: call.function.name,
          args: parseObject(call.function.arguments),
          ...readResult(results.get(call.id)),
        })),
        fingerprint: fingerprintOf(calls.map((call) => `${call.function.name} ${call.function.arguments}`).join('\n')),
        rawCalls: calls.map((call) => ({ tool: call.function.name, arguments: call.function.arguments })),
      };
      story.push({ answer });
    }
  }
  const answers = story.flatMap((item) => ('answer' in item ? [item.answer] : []));
  return {
    ...system,
    story,
    mails: story.flatMap((item) => ('mails' in item ? item.mails : [])),
    answers,
    actions: answers.flatMap((answer) => answer.actions),
    waitsInVain: waitedInVain(story),
    offered: new Set((body.tools ?? []).map((tool) => tool.function.name)),
  };
};
