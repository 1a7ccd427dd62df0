/**
 * What an actor that ended a thread finds when it starts on the next one: it has failed, as any other that throws. What it
 * does not do: remember charges over the ends of threads (blame.ts), or stop and restart (life.ts).
 */
import { decideRestart } from '../actor/index.ts';
import type { ActorCell } from './cell.ts';
import type { Life } from './life.ts';
import type { ShardCore } from './shard-core.ts';

/**
 * Lets `cell` meet what it is charged with, and gives it back what it knew of its restarts. True when that decides how it
 * goes on.
 */
export const meetCharge = ({ charges, clock }: ShardCore, life: Life, cell: ActorCell): boolean => {
  const charge = charges.get(cell.ref.id);
  if (charge === undefined) return false;
  charges.delete(cell.ref.id);
  const { agesMs, fresh, reason, type, seq } = charge;
  const nowMs = clock.monotonic();
  const { withinMs } = cell.options.supervision.intensity;
  // Between those that are older turns may have ended well.
  const inARow = agesMs.filter((ageMs) => ageMs < withinMs).length;
  cell.restarts = { times: agesMs.map((ageMs) => nowMs - ageMs), inARow };
  if (!fresh) return false;
  cell.poison = seq;
  const message = type === '' ? undefined : type;
  const verdict = decideRestart(cell.options.supervision, 'failure', cell.restarts, nowMs, 0);
  if (verdict.kind === 'restart') {
    life.decide(cell, 'failure', reason, message);
    return true;
  }
  // A supervisor may have died with the same thread, and with it what it had counted: so the actor's own limit counts here.
  life.announce(cell, false, reason, 'failure', message);
  cell.stopRequest = { reason, by: 'failure', exceeded: verdict.reason === 'intensity' };
  life.stopNow(cell);
  return true;
};
