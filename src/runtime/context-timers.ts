/** `ctx.timers` of an actor. What it does not do: keep the timers of durable actors (durable-timers.ts). */
import type { Timers } from '../actor/index.ts';
import type { ActorCell } from './cell.ts';
import type { Life } from './life.ts';
import { ownMail, type ShardCore } from './shard-core.ts';

const ofDurable = ({ timers }: ShardCore, cell: ActorCell, check: () => void): Timers => ({
  once: (key, delayMs, type, body) => {
    check();
    timers.set(cell, key, delayMs, null, { type, body });
  },
  every: (key, periodMs, type, body) => {
    check();
    timers.set(cell, key, periodMs, periodMs, { type, body });
  },
  cancel: (key) => {
    check();
    timers.cancel(cell, key);
  },
});

/** @param check throws when the actor may not act any more */
export const timersOf = (core: ShardCore, life: Life, cell: ActorCell, check: () => void): Timers => {
  if (cell.durable !== null) return ofDurable(core, cell, check);
  const cancel = (key: string): void => {
    cell.timers?.get(key)?.cancel();
    cell.timers?.delete(key);
  };
  return {
    cancel,
    once: (key, delayMs, type, body) => {
      check();
      cancel(key);
      cell.timers ??= new Map();
      const fire = (): void => {
        cell.timers?.delete(key);
        life.deliverOwn(cell, ownMail(cell, type, body));
      };
      cell.timers.set(key, core.clock.after(delayMs, fire));
    },
    every: (key, periodMs, type, body) => {
      check();
      cancel(key);
      cell.timers ??= new Map();
      const fire = (): void => life.deliverOwn(cell, ownMail(cell, type, body));
      cell.timers.set(key, core.clock.every(periodMs, fire));
    },
  };
};
