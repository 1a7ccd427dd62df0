/** What the end of an incarnation does outside: its `onStop`, and the event that tells of it. Decides nothing (life.ts). */
import type { Exit } from '../actor/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import { isPromise, turnOf } from './handling.ts';
import type { ShardCore } from './shard-core.ts';

export const announceEnd = (
  { parts }: ShardCore,
  cell: ActorCell,
  restarted: boolean,
  reason: string,
  exit: Exit,
  message: string | undefined,
): void => parts.onEvent({ type: 'restart', agent: cell.ref.name, restarted, reason, exit, message });

/** Calls `onStop`, if there is one, for at most `graceMs`; then `then`, unless the status of the actor changes meanwhile. */
export const runOnStop = (core: ShardCore, cell: ActorCell, graceMs: number, then: () => void): void => {
  const onStop = cell.definition?.onStop;
  if (onStop === undefined || cell.context === null) {
    then();
    return;
  }
  const { turn, status } = cell;
  const done = (thrown?: unknown): void => {
    if (cell.turn !== turn || cell.status !== status) return;
    cell.turn += 1;
    cell.endPause();
    if (thrown !== undefined) {
      announceEnd(core, cell, false, `onStop: ${toMegactorError(thrown).message}`, 'normal', undefined);
    }
    then();
  };
  try {
    const { state, context } = cell;
    const result = core.pulse.nested(turnOf(core, cell), () => onStop(state, context) as unknown);
    if (!isPromise(result)) {
      done();
      return;
    }
    cell.pause = core.clock.after(graceMs, () => done('onStop took too long'));
    result.then(() => done(), done);
  } catch (thrown) {
    done(thrown);
  }
};
