/** What tests of durable actors share: an actor that lists what it got, and mail and spawns as services put them into the journal. */
import { defineActor, message, request, resolveSpawnOptions } from '../../src/actor/index.ts';
import type { Outgoing } from '../../src/journal/shard-log.ts';
import { FIXTURES } from '../runtime/one-thread.ts';

export const list = defineActor(FIXTURES, 'list', {
  state: () => ({ got: [] as number[] }),
  messages: { add: message<number>(), got: request<void, number[]>() },
  receive: {
    add: (s, n) => {
      s.got.push(n);
    },
    got: (s) => [...s.got],
  },
});

/** For an actor of shard 0; nobody has sent it. */
export const mailTo = (to: number, type: string, body?: unknown): Outgoing => ({
  shard: 0,
  entry: { kind: 'mail', mail: { to, from: null, type, body } },
});

/** A durable `list` in shard 0, called `nID`. */
export const spawnOfList = (id: number): Outgoing => ({
  shard: 0,
  entry: {
    kind: 'spawn',
    actor: {
      id,
      name: `n${id}`,
      module: FIXTURES,
      export: 'list',
      init: null,
      parent: null,
      options: resolveSpawnOptions({ durable: true }),
    },
  },
});
