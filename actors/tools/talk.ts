/** `talk`: mail to other agents, all messages of a call or none. */
import { z } from 'zod';
import { fail, markOf, remember } from '../../src/society/index.ts';
import { sendText } from '../mailing.ts';
import { callRoster } from '../services.ts';
import { ALL_LEVELS, defineTool } from './tool.ts';

interface Message {
  readonly to: string;
  readonly content: string;
}

/** Puts those aside that the same address was sent lately, or in this call. */
const sift = (messages: readonly Message[], sent: readonly string[]) => {
  const known = new Set(sent);
  const fresh: Message[] = [];
  const marks: string[] = [];
  const repeated: string[] = [];
  for (const message of messages) {
    const mark = markOf(message.to, message.content);
    if (known.has(mark)) {
      repeated.push(message.to);
      continue;
    }
    known.add(mark);
    marks.push(mark);
    fresh.push(message);
  }
  return { fresh, marks, repeated };
};

const notSent = (repeated: readonly string[]): Record<string, unknown> =>
  repeated.length === 0
    ? {}
    : { not_sent_again: [...new Set(repeated)], note: 'They have this message already. Say what is new, or nothing.' };

export const talk = defineTool({
  name: 'talk',
  description: 'Send mail, all or none. `to`: a name, supervisor, subordinates or group.',
  schema: z.object({
    messages: z.array(z.object({ to: z.string().min(1).max(64), content: z.string().min(1) })).min(1),
  }),
  levels: ALL_LEVELS,
  execute: async (args, run) => {
    const { limits } = run.state.settings;
    if (args.messages.length > limits.talkMessagesMax) {
      return fail('LIMIT', `At most ${limits.talkMessagesMax} messages at once.`, 'Use "group" or "subordinates".');
    }
    const tooLong = args.messages.find((message) => message.content.length > limits.messageCharsMax);
    if (tooLong !== undefined) {
      const hint = 'Write the content to a file and send its path.';
      return fail('TOO_LARGE', `A message has at most ${limits.messageCharsMax} characters.`, hint, { to: tooLong.to });
    }
    const { fresh, marks, repeated } = sift(args.messages, run.state.sent ?? []);
    if (fresh.length === 0) return { ok: true, sent: 0, ...notSent(repeated) };
    const to = fresh.map((message) => message.to);
    const resolved = await callRoster(run, run.key, 'resolve', { sender: run.state.name, to });
    if (!resolved.ok) return resolved;
    const names: string[] = [];
    for (const [index, message] of fresh.entries()) {
      for (const receiver of resolved.receivers[index] ?? []) {
        sendText(run, receiver, message.content, { fromSupervisor: receiver.below });
        names.push(receiver.name);
      }
    }
    run.state.sent = remember(run.state.sent ?? [], marks);
    return { ok: true, sent: names.length, ...notSent(repeated) };
  },
});
