/**
 * Calls the handlers of a definition for one item. What it does not do: make batches (batch.ts), catch, reply, or end turns.
 */
import type { z } from 'zod';
import { plainRef, type DeadLetterReason } from '../actor/index.ts';
import type { ActorCell } from './cell.ts';
import type { CellContext } from './cell-context.ts';
import type { LoadedDefinition, MessageHandler } from './definition-loader.ts';
import type { MailEnvelope, SignalEnvelope } from './envelope.ts';
import { dropRoutee } from './routing.ts';
import type { RunningTurn } from './host-pulse.ts';
import { isMail, type ShardCore } from './shard-core.ts';

/** Told apart from whatever a handler returns: no handler was called. */
export const UNHANDLED = Symbol('unhandled');

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

export const numberOf = ({ definition }: ActorCell, type: string): number =>
  definition?.handlers.get(type)?.number ?? 0;

/** What `cell` is at, for the pulse. */
export const turnOf = ({ shard }: ShardCore, cell: ActorCell): RunningTurn => {
  const mail = cell.current ?? cell.batch.find(isMail);
  return {
    shard,
    actor: cell.ref.id,
    durable: cell.durable !== null,
    type: mail === undefined ? 0 : numberOf(cell, mail.type),
    seq: mail?.seq ?? -1,
  };
};

const refuse = (
  core: ShardCore,
  cell: ActorCell,
  mail: MailEnvelope,
  reason: DeadLetterReason,
  words: string,
): typeof UNHANDLED => {
  core.deadMail(mail, reason, cell.ref.name, 'MESSAGE_INVALID', words);
  return UNHANDLED;
};

/** Parses what came from outside of any actor. */
const parsedBody = (core: ShardCore, cell: ActorCell, mail: MailEnvelope, schema: z.ZodType): unknown => {
  try {
    const parsed = schema.safeParse(mail.body);
    if (parsed.success) return parsed.data;
    return refuse(core, cell, mail, 'invalid', `'${mail.type}' for '${cell.ref.name}': ${parsed.error.message}`);
  } catch (thrown) {
    return refuse(core, cell, mail, 'invalid', `'${mail.type}' for '${cell.ref.name}': ${String(thrown)}`);
  }
};

/**
 * The body of `mail` as its handler may see it, or UNHANDLED when the mail is a dead letter now. Bodies from outside
 * of any actor are parsed when the definition has a schema for them.
 */
export const bodyFor = (
  core: ShardCore,
  cell: ActorCell,
  mail: MailEnvelope,
  handler: MessageHandler | undefined,
): unknown => {
  if (handler === undefined) {
    return refuse(core, cell, mail, 'unknown-type', `'${cell.ref.name}' takes no '${mail.type}'`);
  }
  if (mail.from !== null || handler.schema === undefined) return mail.body;
  return parsedBody(core, cell, mail, handler.schema);
};

/** Says that the code of `cell` runs, on no message. */
export const enterStart = ({ pulse, shard }: ShardCore, cell: ActorCell): void =>
  pulse.enter(shard, cell.ref.id, cell.durable !== null, 0, -1);

/** May return a promise, and may throw. */
export const handleMail = (core: ShardCore, cell: ActorCell, mail: MailEnvelope): unknown => {
  cell.current = mail;
  const handler = cell.definition?.handlers.get(mail.type);
  core.pulse.enter(core.shard, cell.ref.id, cell.durable !== null, handler?.number ?? 0, mail.seq);
  const body = bodyFor(core, cell, mail, handler);
  if (body === UNHANDLED) return UNHANDLED;
  core.counters.addMessages(1);
  return handler?.handle?.(cell.state, body, cell.context as CellContext);
};

/** True when a definition has something to do about such a signal. */
export const heeds = (definition: LoadedDefinition | null, kind: SignalEnvelope['signal']['kind']): boolean => {
  if (kind === 'child-failed') return definition?.onChildFailed !== undefined;
  return kind === 'terminated' && (definition?.onTerminated ?? definition?.routers) !== undefined;
};

/** May return a promise, and may throw. */
export const handleSignal = (core: ShardCore, cell: ActorCell, item: SignalEnvelope): unknown => {
  cell.current = null;
  core.pulse.enter(core.shard, cell.ref.id, cell.durable !== null, 0, item.seq);
  const definition = cell.definition as LoadedDefinition;
  const context = cell.context as CellContext;
  const ref = plainRef(item.from);
  switch (item.signal.kind) {
    case 'terminated':
      dropRoutee(cell, ref);
      return definition.onTerminated?.(cell.state, ref, item.signal.reason, context);
    case 'child-failed':
      return definition.onChildFailed?.(cell.state, ref, item.signal.reason, context, item.signal.last);
    case 'stop':
      return undefined;
    default:
      return item.signal satisfies never;
  }
};
