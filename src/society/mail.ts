/**
 * Mail between agents, and how it appears to a model. What it does not do: decide who may write to whom (`chat.ts`).
 *
 * Invariants: M1 In a rendered batch a line that starts without indentation starts a mail, and its sender is the name
 * before the first colon: no text of a mail can forge that. M2 Only the runtime writes mail from `system`.
 */
import { z } from 'zod';
import { NAME_PATTERN, SYSTEM } from './names.ts';
import { humanAnswerSchema } from './questions.ts';

export const MAIL_KINDS = [
  'start',
  'review',
  'nudge',
  'final-review',
  'budget',
  'replaced',
  'child-failed',
  'hired',
  'human',
  'remedy',
] as const;

/** An attribute of a `[budget]` mail that says which budget is larger now. */
export const RAISED = 'raised';

export type MailKind = (typeof MAIL_KINDS)[number];

export const agentMailSchema = z.object({
  /** An agent's name, `user` or `system`. */
  from: z.string().regex(NAME_PATTERN),
  /** Set exactly for mail from `system`. */
  kind: z.enum(MAIL_KINDS).nullable(),
  attributes: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  text: z.string(),
  /** From a subordinate of the receiver, while others of them are at work: an idle receiver waits a little for theirs. */
  more: z.boolean().optional(),
  /** What the person has answered with it. */
  human: humanAnswerSchema.optional(),
  /** The text an agent ended its turn with, passed on to its supervisor. */
  handback: z.boolean().optional(),
  /** The receiver was let go: it reads no more mail. */
  retired: z.boolean().optional(),
  /** Its number among the mails of quiet moments. After a crash such mail may come twice; the receiver takes it once. */
  quiet: z.int().positive().optional(),
});

export type AgentMail = z.output<typeof agentMailSchema>;

/** Everything that some reader may take for the end of a line. */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/** Text as one mail carries it: its first line as it is, further lines indented by two spaces. */
export const indentFurther = (text: string): string => text.split(LINE_END).join('\n  ');

const HIGH = /[\uD800-\uDBFF]$/u;

/** The beginning of a text; a character of two units is never cut in the middle. */
export const cut = (text: string, charsMax: number): string => {
  const start = text.slice(0, charsMax);
  return text.length > charsMax && HIGH.test(start) ? start.slice(0, -1) : start;
};

/** Text on one line: line ends and runs of white space become one space. */
export const oneLine = (text: string, charsMax = 2_000): string => {
  const flat = text.replace(/[\s\u0085]+/g, ' ').trim();
  return flat.length > charsMax ? `${cut(flat, charsMax - 1)}…` : flat;
};

export const clip = (text: string, charsMax: number): string => {
  const start = cut(text, charsMax);
  return text.length > charsMax ? `${start}… (${text.length - start.length} more characters)` : text;
};

const renderAttributes = (attributes: AgentMail['attributes']): string =>
  Object.entries(attributes ?? {})
    .map(([key, value]) => ` ${key}=${String(value).replace(/[^\w./-]/g, '_')}`)
    .join('');

/** One mail, ending without a line end. */
export const renderMail = (mail: AgentMail): string => {
  const from = NAME_PATTERN.test(mail.from) ? mail.from : 'unknown';
  if (from !== SYSTEM) return `${from}: ${indentFurther(mail.text)}`;
  const attributes = renderAttributes(mail.attributes);
  const head = `${SYSTEM}: [${mail.kind ?? 'start'}]${attributes}`;
  if (mail.text === '') return head;
  // Details of a mail with attributes start on a line of their own, so that the first line can be read by a program.
  return `${head}${attributes === '' ? ' ' : '\n  '}${indentFurther(mail.text)}`;
};

/** A batch as the content of one `user` message. */
export const renderBatch = (batch: readonly AgentMail[]): string => batch.map(renderMail).join('\n');

export const systemMail = (
  kind: MailKind,
  text: string,
  attributes?: Readonly<Record<string, string | number>>,
): AgentMail => ({ from: SYSTEM, kind, text, ...(attributes === undefined ? {} : { attributes: { ...attributes } }) });
