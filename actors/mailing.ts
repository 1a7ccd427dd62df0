/** Mail that leaves an agent: to recipients that the roster named, with the step's commit. */
import type { AgentMail, Notice, Recipient } from '../src/society/index.ts';
import { cut, systemMail, type MailKind } from '../src/society/index.ts';
import { actorRef } from '../src/actor/ref.ts';
import type { ActorRef } from '../src/actor/definition.ts';
import type { AgentMessages, Turn } from './agent-types.ts';

export const send = (turn: Turn, to: Recipient, mail: AgentMail): void => {
  const { ctx, state } = turn;
  const ref = actorRef(to.shard, to.id, to.name) as ActorRef<AgentMessages>;
  ctx.tell(ref, 'mail', mail);
  state.counters.messages += 1;
  ctx.event({ type: 'message', agent: state.name, to: to.name, kind: mail.kind, chars: mail.text.length });
};

/** A mail of this agent. @param more of the same kind may be on its way to the receiver */
export const sendText = (
  turn: Turn,
  to: Recipient,
  text: string,
  { more = false, ...options }: { readonly more?: boolean; readonly handback?: boolean } = {},
): void => {
  const { name, settings } = turn.state;
  const mail = { from: name, kind: null, text: cut(text, settings.limits.messageCharsMax), ...options };
  send(turn, to, more ? { ...mail, more } : mail);
};

/** A mail that the runtime writes about this agent. */
export const sendNotice = (
  turn: Turn,
  to: Recipient,
  kind: MailKind,
  text: string,
  attributes: Readonly<Record<string, string | number>>,
  more = false,
): void => send(turn, to, { ...systemMail(kind, text, attributes), ...(more ? { more } : {}) });

/** Sends what a command causes. Returns the texts of what is for this agent itself: its tool's result has them. */
export const sendNotices = (turn: Turn, notices: readonly Notice[]): readonly string[] =>
  notices.flatMap(({ to, mail }) => {
    if (to.name === turn.state.name) return [mail.text];
    send(turn, to, mail);
    return [];
  });
