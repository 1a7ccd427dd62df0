/**
 * Dead letters as the runtime makes them: kept, and told of at a bounded rate. What it does not do: count them in shared
 * memory, or answer who asked (shard-core.ts and main-endpoint.ts do).
 */
import type { ActorRef, DeadLetterBox, DeadLetterReason, Sampler } from '../actor/index.ts';
import type { Clock } from '../platform/index.ts';
import type { EventInput } from '../telemetry/index.ts';
import type { MailEnvelope } from './envelope.ts';

/** Where dead letters are kept and told of. */
export interface DeadLetterOffice {
  readonly clock: Clock;
  readonly deadLetters: DeadLetterBox;
  readonly deadLetterEvents: Sampler;
  readonly parts: { readonly onEvent: (event: EventInput) => void };
}

type Dead = Pick<MailEnvelope, 'shard' | 'to' | 'type' | 'body' | 'ask'> & { readonly from: ActorRef | null };

export const noteDeadLetter = (
  office: DeadLetterOffice,
  mail: Dead,
  reason: DeadLetterReason,
  toName: string,
): void => {
  const { clock, deadLetters, deadLetterEvents, parts } = office;
  const { type, body, from, ask, shard, to: id } = mail;
  deadLetters.add({ time: clock.now(), reason, to: { shard, id }, toName, from, type, ask: ask !== 0, body });
  const heldBack = deadLetterEvents.take(clock.monotonic());
  if (heldBack === null) return;
  const agent = toName === '' ? undefined : toName;
  const more = heldBack === 0 ? {} : { heldBack };
  parts.onEvent({ type: 'deadLetter', agent, reason, message: type, ...more });
};
