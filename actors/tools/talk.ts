/** `talk`: mail to other agents, all messages of a call or none. */
import { z } from 'zod';
import { fail, markOf, oneLine, remember, type CommandResult } from '../../src/society/index.ts';
import { sendNotices, sendText } from '../mailing.ts';
import { callRoster } from '../services.ts';
import { ALL_LEVELS, defineTool, type ToolRun } from './tool.ts';

/** Of what is answered. */
const RE_CHARS_MAX = 80;
/** Of a larger group it is remembered what all were told, and not what each was. */
const EACH_MAX = 16;

interface Message {
  readonly to: string;
  readonly content: string;
}

/** What it answers stands before it, so that an answer is not taken for one to another question. */
const textOf = (content: string, re: string | undefined): string =>
  re === undefined ? content : `(re: "${oneLine(re, RE_CHARS_MAX).replaceAll('"', "'")}") ${content}`;

const notSent = (repeated: ReadonlySet<string>): Record<string, unknown> =>
  repeated.size === 0
    ? {}
    : { not_sent_again: [...repeated], note: 'They have this message already. Say what is new, or nothing.' };

type Receivers = Extract<CommandResult<'resolve'>, { readonly ok: true }>['receivers'];

/** Sends what a receiver was not sent lately, or in this call. @returns how many mails, and who has had it */
const deliver = (run: ToolRun, messages: readonly Message[], receivers: Receivers) => {
  const known = new Set(run.state.sent);
  const marks: string[] = [];
  const repeated = new Set<string>();
  let sent = 0;
  for (const [index, { to, content }] of messages.entries()) {
    const group = receivers[index] ?? [];
    const isLarge = group.length > EACH_MAX;
    if (isLarge) marks.push(markOf(to, content));
    for (const receiver of group) {
      const mark = markOf(receiver.name, content);
      if (known.has(mark)) {
        repeated.add(receiver.name);
        continue;
      }
      known.add(mark);
      if (!isLarge) marks.push(mark);
      sendText(run, receiver, content, { more: receiver.more });
      sent += 1;
    }
  }
  if (marks.length > 0) run.state.sent = remember(run.state.sent ?? [], marks);
  return { sent, repeated };
};

export const talk = defineTool({
  name: 'talk',
  description: 'Send mail. `to`: a name, supervisor, subordinates or group. `re`: words of what it answers.',
  schema: z.object({
    messages: z
      .array(z.object({ to: z.string().min(1).max(64), content: z.string().min(1), re: z.string().min(1).optional() }))
      .min(1),
  }),
  levels: ALL_LEVELS,
  execute: async (args, run) => {
    const { limits } = run.state.settings;
    if (args.messages.length > limits.talkMessagesMax) {
      return fail('LIMIT', `At most ${limits.talkMessagesMax} messages at once.`, 'Use "group" or "subordinates".');
    }
    const messages = args.messages.map(({ to, content, re }) => ({ to, content: textOf(content, re) }));
    const tooLong = messages.find((message) => message.content.length > limits.messageCharsMax);
    if (tooLong !== undefined) {
      const hint = 'Write the content to a file and send its path.';
      return fail('TOO_LARGE', `A message has at most ${limits.messageCharsMax} characters.`, hint, { to: tooLong.to });
    }
    const before = new Set(run.state.sent);
    const isNew = ({ to, content }: Message): boolean => !before.has(markOf(to, content));
    const old = messages.filter((message) => !isNew(message)).map(({ to }) => to);
    const fresh = messages.filter(isNew);
    if (fresh.length === 0) return { ok: true, sent: 0, ...notSent(new Set(old)) };
    const to = fresh.map((message) => message.to);
    const resolved = await callRoster(run, run.key, 'resolve', { sender: run.state.name, to });
    if (!resolved.ok) return resolved;
    sendNotices(run, resolved.notices ?? []);
    const { sent, repeated } = deliver(run, fresh, resolved.receivers);
    return { ok: true, sent, ...notSent(new Set([...old, ...repeated])) };
  },
});
