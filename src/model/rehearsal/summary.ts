/**
 * Compaction in the rehearsal: the synthetic summary of an agent's story, and reading it back. It plays from what it was
 * told and what it did, so its summary is just that, without the long texts; it reads files again instead. What it does
 * not do: keep to the length it is asked for; what the runtime cuts off is forgotten.
 *
 * 1. What a summary leaves of a story makes the agent do what the whole story would, but for reading a file once more.
 * 2. Nothing here throws for odd content; a line that cannot be read is not there.
 */
import { z } from 'zod';
import type { Action, Mail, PastAnswer, StoryItem } from './transcript.ts';

const SUMMARY = '(summary)';
/** As in `transcript.ts`, which this may not load. */
const WAITING = '(waiting)';
const HEAD = 'Synthetic summary of a rehearsal: no language model wrote this.';
/** Of a mail and of what goes to others: how it begins says what it is. */
const WORDS_MAX = 32;
/** Of an answer without calls: agents recognise their own reports. */
const SAID_MAX = 1_000;

const REVISION = /^Revision \d+:/gmu;

const fields = z.record(z.string(), z.unknown());
const actionSchema = z.tuple([z.string(), fields.nullable(), z.boolean(), z.string(), fields]);
const lineSchema = z.union([
  z.tuple([z.literal('mail'), z.string(), z.string().nullable(), z.record(z.string(), z.string()), z.string()]),
  z.tuple([z.literal('answer'), z.string(), z.string(), z.array(actionSchema)]),
]);

type Line = z.output<typeof lineSchema>;

/** Arguments without what only fills files: of a written section its author and its revisions stay. */
const slimArgs = (args: Action['args']): Record<string, unknown> | null => {
  if (args === null) return null;
  const slim: Record<string, unknown> = {};
  for (const key of ['path', 'name', 'agent', 'verdict', 'i']) if (key in args) slim[key] = args[key];
  const { content, messages, items } = args;
  if (typeof content === 'string') {
    const author = [...content.matchAll(/^## .*$/gmu)].flatMap((heading, index, all) => {
      const section = content.slice(heading.index, all[index + 1]?.index);
      const revisions = section.match(REVISION) ?? [];
      return revisions.length === 0 ? [] : [heading[0], ...revisions];
    });
    slim['content'] = author.join('\n');
  }
  if (Array.isArray(messages)) {
    slim['messages'] = messages.map((message: unknown) => {
      const { to, content: said } = (message ?? {}) as Record<string, unknown>;
      return { to, content: typeof said === 'string' ? said.slice(0, WORDS_MAX) : said };
    });
  }
  if (Array.isArray(items)) {
    slim['items'] = items.map((item: unknown) => ({ status: (item as { status?: unknown } | null)?.status }));
  }
  return slim;
};

/** Results without contents. A file that was only read counts as not known any more: it has no base either. */
const slimResult = ({ tool, ok, result }: Action): Record<string, unknown> => {
  const slim: Record<string, unknown> = {};
  if (typeof result['name'] === 'string') slim['name'] = result['name'];
  if (tool !== 'read_file' && typeof result['base'] === 'string') slim['base'] = result['base'];
  // As after a merge: what the file holds has to be looked up.
  if (tool === 'write_file' && ok) slim['merged'] = true;
  return slim;
};

const linesOf = (item: StoryItem): Line[] => {
  if ('mails' in item) {
    return item.mails.map(({ from, kind, attributes, text }) => [
      'mail',
      from,
      kind,
      { ...attributes },
      // Mail of the runtime says all in its kind and its attributes.
      from === 'system' ? '' : text.slice(0, WORDS_MAX),
    ]);
  }
  const { text, fingerprint, actions } = item.answer;
  return [
    [
      'answer',
      text.startsWith(WAITING) ? WAITING : text.slice(0, SAID_MAX),
      fingerprint,
      actions.map((action) => [action.tool, slimArgs(action.args), action.ok, action.code, slimResult(action)]),
    ],
  ];
};

export const writeSummary = (story: readonly StoryItem[]): string =>
  [HEAD, ...story.flatMap(linesOf).map((line) => JSON.stringify(line))].join('\n');

const parse = (line: string): Line | null => {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
};

const itemOf = (line: Line): StoryItem => {
  if (line[0] === 'mail') {
    const [, from, kind, attributes, text] = line;
    const mail: Mail = { from, kind, attributes, text };
    return { mails: [mail] };
  }
  const [, text, fingerprint, made] = line;
  const actions = made.map(([tool, args, ok, code, result]): Action => ({ tool, args, ok, code, result }));
  const answer: PastAnswer = { text, actions, fingerprint, rawCalls: [] };
  return { answer };
};

/** The story that a message holds if it is a summary; null when it is none. */
export const readSummary = (content: string): StoryItem[] | null => {
  if (!content.startsWith(SUMMARY)) return null;
  return content
    .split('\n')
    .map((line) => parse(line.trim()))
    .filter((line) => line !== null)
    .map(itemOf);
};
