/** Full mailboxes of durable actors: what waits in the journal alone keeps its place, and comes when there is room. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  defineActor,
  message,
  request,
  resolveSpawnOptions,
  type ActorRef,
  type SpawnOptions,
} from '../../src/actor/index.ts';
import type { InboxEntry } from '../../src/journal/shard-log.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import { has } from './crashes.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';
import { tally } from './passive-actors.ts';

/** What handlers of `wait` wait for. */
let gate = Promise.withResolvers<void>();
/** Texts over which a scribe fails once. */
const stumbled = new Set<string>();
let stashes = false;

const scribe = defineActor(FIXTURES, 'scribe', {
  state: () => ({ got: [] as string[] }),
  messages: {
    write: message<string>(),
    stumble: message<string>(),
    later: message<string>(),
    unstash: message(),
    'stop stashing': message(),
    wait: message(),
    tick: message<{ key: string; ms: number }>(),
    hire: request<void, ActorRef>(),
    break: message(),
    quit: message(),
    got: request<void, string[]>(),
  },
  receive: {
    write: (state, text) => void state.got.push(text),
    stumble: (state, text) => {
      state.got.push(text);
      if (stumbled.has(text)) return;
      stumbled.add(text);
      stashes = false;
      throw new Error('stumbled');
    },
    later: (state, text, ctx) => {
      if (stashes) ctx.stash();
      else state.got.push(text);
    },
    unstash: (_state, _body, ctx) => ctx.unstash(),
    'stop stashing': () => {
      stashes = false;
    },
    wait: () => gate.promise,
    tick: (_state, { key, ms }, ctx) => ctx.timers.once(key, ms, 'write', `tick ${key}`),
    hire: (_state, _body, ctx): ActorRef => ctx.spawn(scribe, undefined, { durable: true }),
    break: () => {
      throw new Error('broken');
    },
    quit: (_state, _body, ctx) => ctx.stop(),
    got: (state) => [...state.got],
  },
  onChildFailed: (state) => void state.got.push('child failed'),
  batchMax: 4,
});

const CAPACITY = 8;
const SMALL: SpawnOptions = { durable: true, shard: 0, mailbox: { capacity: CAPACITY } };

interface Place {
  readonly journal: MemoryJournal;
  readonly world: World;
  readonly ref: ActorRef;
}

const open = (journal: MemoryJournal, incarnation = 0, limits: Partial<ShardLimits> = {}): World =>
  new World({ scribe, tally }, { journal, incarnation, limits });

/** A scribe that waits within a turn, so that whatever comes piles up. */
const waiting = async (options: SpawnOptions = SMALL, limits: Partial<ShardLimits> = {}): Promise<Place> => {
  const journal = new MemoryJournal();
  const world = await open(journal, 0, limits).start();
  const ref = await world.spawn(scribe, undefined, options);
  world.tell(ref, 'wait');
  await world.clock.settle();
  return { journal, world, ref };
};

const texts = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `${from + index}`);

const write = ({ world, ref }: Place, words: readonly string[]): void => {
  for (const text of words) world.tell(ref, 'write', text);
};

const counters = ({ world }: Place) => world.counters[0]?.read();
const look = ({ world, ref }: Place) => world.shards[0]?.snapshots().find(({ id }) => id === ref.id);

const inBox = (to: ActorRef, entry: 'mail' | 'failed', text = ''): { shard: number; entry: InboxEntry } =>
  entry === 'mail'
    ? { shard: to.shard, entry: { kind: 'mail', mail: { to: to.id, from: null, type: 'write', body: text } } }
    : {
        shard: to.shard,
        entry: { kind: 'signal', to: to.id, from: to, signal: { kind: 'child-failed', reason: 'test', up: [] } },
      };

/** Lets it go on until it has handled everything. */
const finish = async ({ world, journal }: Place): Promise<void> => {
  gate.resolve();
  for (let round = 0; round < 1_000 && journal.pending > 0; round += 1) await world.clock.some(20);
  await world.clock.settle();
};

beforeEach(() => {
  gate = Promise.withResolvers<void>();
  stumbled.clear();
  stashes = false;
});

describe('a mailbox that is full', () => {
  test('A4 keeps positions beyond its capacity, counts them, and hands everything over in order', async () => {
    const place = await waiting();
    write(place, texts(100));
    await place.world.clock.settle();
    expect(look(place)).toMatchObject({ mailbox: 100, spilled: 100 - CAPACITY });
    expect(counters(place)).toMatchObject({ mailboxDepth: 100, spilled: 100 - CAPACITY });
    expect(place.journal.reads).toBe(0);
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual(texts(100));
    expect(counters(place)).toMatchObject({ mailboxDepth: 0, spilled: 0, deadLetters: 0 });
    expect(place.journal.pending).toBe(0);
  });

  test('A2 asks stay where they were asked, behind spilled mail too', async () => {
    const place = await waiting();
    const answers: Promise<unknown>[] = [];
    for (let round = 0; round < 5; round += 1) {
      write(place, texts(10, 10 * round));
      await place.world.clock.settle();
      answers.push(place.world.askSoon(place.ref, 'got'));
    }
    await finish(place);
    const got = await Promise.all(answers);
    expect(got).toEqual([1, 2, 3, 4, 5].map((round) => texts(10 * round)));
  });

  test('A4 A5 as many asks as its capacity wait behind it; more are refused', async () => {
    const place = await waiting();
    write(place, texts(CAPACITY + 1));
    await place.world.clock.settle();
    const answers = Array.from({ length: CAPACITY + 3 }, () => place.world.askSoon(place.ref, 'got'));
    const settled = Promise.allSettled(answers);
    await finish(place);
    const kinds = (await settled).map((one) =>
      one.status === 'fulfilled' ? 'ok' : (one.reason as MegactorError).code,
    );
    expect(kinds).toEqual([
      ...Array.from({ length: CAPACITY }, () => 'ok'),
      ...Array.from({ length: 3 }, () => 'MAILBOX_FULL'),
    ]);
    expect(place.world.shards[0]?.deadLetters().map(({ reason }) => reason)).toEqual(
      Array.from({ length: 3 }, () => 'mailbox-full'),
    );
  });

  test('A2 mail that comes while some is read back goes behind it; the actor is held by the refill (A3)', async () => {
    const place = await waiting({ ...SMALL, mailbox: { capacity: 1 } });
    write(place, texts(6));
    await place.world.clock.settle();
    const slow = Promise.withResolvers<void>();
    place.journal.gate = slow.promise;
    gate.resolve();
    await place.world.clock.settle();
    expect(look(place)).toMatchObject({ status: 'idle', hold: 'refill', mailbox: 5, spilled: 5 });
    write(place, texts(4, 6));
    await place.world.clock.settle();
    expect(look(place)).toMatchObject({ status: 'idle', hold: 'refill', mailbox: 9, spilled: 9 });
    slow.resolve();
    place.journal.gate = Promise.resolve();
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual(texts(10));
  });

  test('signals that go first do so while mail is spilled', async () => {
    const place = await waiting();
    await place.journal.deliver(texts(20).map((text) => inBox(place.ref, 'mail', text)));
    await place.journal.deliver([inBox(place.ref, 'failed')]);
    await place.world.clock.settle();
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual(['child failed', ...texts(20)]);
  });

  test('a tick of a timer waits behind spilled mail, and does not fire twice', async () => {
    const place = await waiting();
    gate.resolve();
    place.world.tell(place.ref, 'tick', { key: 'a', ms: 50 });
    await place.world.clock.settle();
    gate = Promise.withResolvers<void>();
    place.world.tell(place.ref, 'wait');
    await place.world.clock.settle();
    write(place, texts(30));
    await place.world.clock.advance(60);
    write(place, texts(5, 30));
    await place.world.clock.settle();
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual([...texts(30), 'tick a', ...texts(5, 30)]);
    await place.world.clock.advance(100_000);
    expect(await place.world.ask(place.ref, 'got')).toHaveLength(36);
  });

  test('what was stashed comes back in front of spilled mail', async () => {
    const place = await waiting();
    stashes = true;
    for (const text of ['s1', 's2']) place.world.tell(place.ref, 'later', text);
    write(place, texts(10));
    place.world.tell(place.ref, 'unstash');
    write(place, texts(20, 10));
    await place.world.clock.settle();
    place.journal.onAppend = ({ entries }) => {
      // From when the stash has been filled.
      if (entries.some((entry) => entry.kind === 'step' && entry.step >= 2)) stashes = false;
    };
    await finish(place);
    const got = (await place.world.ask(place.ref, 'got')) as string[];
    expect(got.filter((text) => !text.startsWith('s'))).toEqual(texts(30));
    expect(got.indexOf('s2')).toBe(got.indexOf('s1') + 1);
    expect(got.indexOf('s2')).toBeLessThan(15);
    expect(place.journal.pending).toBe(0);
  });

  test('A2 what was stashed comes before the rest of the batch that puts it back', async () => {
    const place = await waiting();
    stashes = true;
    for (const text of ['s1', 's2']) place.world.tell(place.ref, 'later', text);
    place.world.tell(place.ref, 'stop stashing');
    gate.resolve();
    await place.world.clock.settle();
    gate = Promise.withResolvers();
    place.world.tell(place.ref, 'wait');
    await place.world.clock.settle();
    place.world.tell(place.ref, 'unstash');
    for (const text of ['s3', 's4']) place.world.tell(place.ref, 'later', text);
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual(['s1', 's2', 's3', 's4']);
    expect(place.journal.pending).toBe(0);
  });

  test('A2 what was stashed comes before what a step took that is tried again', async () => {
    const place = await waiting({ ...SMALL, restart: 'transient', intensity: { max: 100, withinMs: 1 } });
    stashes = true;
    place.world.tell(place.ref, 'later', 's1');
    gate.resolve();
    await place.world.clock.settle();
    gate = Promise.withResolvers();
    place.world.tell(place.ref, 'wait');
    await place.world.clock.settle();
    place.world.tell(place.ref, 'stumble', 's2');
    place.world.tell(place.ref, 'later', 's3');
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual(['s1', 's2', 's3']);
    expect(place.journal.pending).toBe(0);
    expect(counters(place)).toMatchObject({ mailboxDepth: 0 });
  });

  test('D2 a step that fails is tried again with its mail, before spilled mail', async () => {
    const place = await waiting({ ...SMALL, restart: 'transient', intensity: { max: 100, withinMs: 1 } });
    write(place, texts(10));
    place.world.tell(place.ref, 'stumble', 'oops');
    write(place, texts(10, 10));
    place.world.tell(place.ref, 'stumble', 'again');
    await place.world.clock.settle();
    await finish(place);
    expect(await place.world.ask(place.ref, 'got')).toEqual([...texts(10), 'oops', ...texts(10, 10), 'again']);
    expect(counters(place)).toMatchObject({ restarts: 2, mailboxDepth: 0, spilled: 0 });
  });

  test('D2 what a step that fails had stashed and unstashed is there once', async () => {
    for (const after of ['stumble', 'quit']) {
      gate = Promise.withResolvers<void>();
      const place = await waiting({ ...SMALL, restart: 'transient', intensity: { max: 100, withinMs: 1 } });
      stashes = true;
      place.world.tell(place.ref, 'later', 'kept');
      place.world.tell(place.ref, 'unstash');
      // The step that puts the stash back ends with that. Told to stop, it does not come to the end of the next turn.
      place.world.tell(place.ref, after === 'quit' ? 'wait' : after, 'oops');
      await place.world.clock.settle();
      if (after === 'quit') {
        const late = Promise.withResolvers<void>();
        gate.resolve();
        gate = late;
        await place.world.clock.settle();
        place.world.stop(place.ref);
        await place.world.clock.advance(10_000);
        expect(place.world.shards[0]?.deadLetters().map(({ type }) => type)).toEqual(['later', 'wait']);
      } else {
        await finish(place);
        expect(await place.world.ask(place.ref, 'got')).toEqual(['kept', 'oops']);
      }
      expect(place.world.failures).toEqual([]);
      expect(place.journal.pending).toBe(0);
      expect(counters(place)).toMatchObject({ mailboxDepth: 0 });
    }
  });

  test('V1 an actor with spilled mail does not leave the memory', async () => {
    const place = await waiting({ ...SMALL, mailbox: { capacity: 1 } }, { passivateAfterMs: 10 });
    write(place, texts(3));
    await place.world.clock.settle();
    const slow = Promise.withResolvers<void>();
    place.journal.gate = slow.promise;
    gate.resolve();
    await place.world.clock.advance(1_000);
    expect(look(place)).toMatchObject({ status: 'idle', hold: 'refill' });
    slow.resolve();
    place.journal.gate = Promise.resolve();
    await finish(place);
    await place.world.clock.advance(1_000);
    expect(look(place)).toBeUndefined();
    expect(await place.world.ask(place.ref, 'got')).toEqual(texts(3));
  });
});

describe('stopping with spilled mail', () => {
  const isStop = has('drop');

  test('D1 A5 every mail is a dead letter in order and consumed, every ask is answered', async () => {
    const place = await waiting();
    write(place, texts(30));
    await place.world.clock.settle();
    const ask = place.world.askSoon(place.ref, 'got');
    for (const type of ['later', 'unstash']) place.world.tell(place.ref, type, 'x');
    await place.world.clock.settle();
    place.world.stop(place.ref);
    await finish(place);
    await expect(ask).rejects.toMatchObject({ code: 'ACTOR_STOPPED' });
    const letters = place.world.shards[0]?.deadLetters() ?? [];
    const left = letters.map(({ type }) => type);
    // The turn that waited has ended; nothing else was begun.
    expect(left).toEqual([...texts(30).map(() => 'write'), 'got', 'later', 'unstash']);
    expect(letters.every(({ reason, toName }) => reason === 'stopped' && toName === place.ref.name)).toBe(true);
    expect(place.journal.pending).toBe(0);
    expect(counters(place)).toMatchObject({ mailboxDepth: 0, spilled: 0, deadLetters: 33 });
    expect(place.world.shards[0]?.snapshots()).toEqual([]);
  });

  test('the same when it stops itself while mail is read back, and when it fails for good', async () => {
    for (const end of ['quit', 'break']) {
      gate = Promise.withResolvers<void>();
      const place = await waiting();
      write(place, texts(6));
      place.world.tell(place.ref, end);
      write(place, texts(30, 6));
      await place.world.clock.settle();
      const slow = Promise.withResolvers<void>();
      place.journal.gate = slow.promise;
      gate.resolve();
      await place.world.clock.settle();
      expect(place.journal.reads).toBeGreaterThan(0);
      slow.resolve();
      place.journal.gate = Promise.resolve();
      await finish(place);
      const handled = place.journal.entries.flatMap((entry) => (entry.kind === 'step' ? entry.taken : []));
      const letters = place.world.shards[0]?.deadLetters() ?? [];
      // 'wait' and what ends it are mail as well.
      expect(handled.length + letters.length).toBe(38);
      expect(place.journal.pending).toBe(0);
      expect(counters(place)).toMatchObject({ mailboxDepth: 0, spilled: 0, deadLetters: letters.length });
    }
  });

  test('D1 until the stop is in the journal its mail is too: a crash before it, and the next life has all of it', async () => {
    const place = await waiting();
    write(place, texts(30));
    await place.world.clock.settle();
    place.journal.fate = (group) => (isStop(group) ? 'lost' : 'works');
    place.world.stop(place.ref);
    gate.resolve();
    await place.world.clock.settle();
    place.journal.crash();
    const next = await open(place.journal, 1).start();
    await finish({ ...place, world: next });
    expect(await next.ask(place.ref, 'got')).toEqual(texts(30));
  });
});

describe('a journal that does not give mail back', () => {
  const damaged = new MegactorError('JOURNAL_DAMAGED', 'a record does not match its checksum');

  test('halts the shard, which consumes nothing more; the next opening has everything', async () => {
    const place = await waiting();
    write(place, texts(30));
    await place.world.clock.settle();
    place.journal.onRead = () => {
      throw damaged;
    };
    gate.resolve();
    await place.world.clock.settle();
    expect(place.world.failures).toEqual([damaged]);
    const before = place.journal.pending;
    write(place, texts(5, 30));
    await place.world.clock.settle();
    expect(place.journal.pending).toBe(before + 5);
    place.journal.onRead = () => undefined;
    place.journal.crash();
    const next = await open(place.journal, 1).start();
    await finish({ ...place, world: next });
    expect(await next.ask(place.ref, 'got')).toEqual(texts(35));
  });

  test('the same when the actor is about to stop: it has not stopped, and its mail is no dead letter', async () => {
    const place = await waiting();
    write(place, texts(30));
    await place.world.clock.settle();
    place.journal.onRead = () => {
      throw damaged;
    };
    place.world.stop(place.ref);
    gate.resolve();
    await place.world.clock.settle();
    expect(place.world.failures).toEqual([damaged]);
    expect(place.world.shards[0]?.deadLetters()).toEqual([]);
    expect(place.journal.entries.filter(({ kind }) => kind === 'drop')).toEqual([]);
    expect(place.journal.pending).toBe(30);
  });

  test('an answer that is somebody else’s mail is damage', async () => {
    const place = await waiting();
    const other = await place.world.spawn(scribe, undefined, { ...SMALL });
    write({ ...place, ref: other }, ['not yours']);
    await place.world.clock.settle();
    write(place, texts(30));
    await place.world.clock.settle();
    const book = place.journal.books[0];
    const { inbox = [] } = book ?? {};
    const strange = inbox.find((entry) => entry.kind === 'mail' && entry.mail.to === other.id) as InboxEntry;
    inbox.splice(inbox.length - 5, 1, strange);
    await finish(place);
    expect(place.world.failures).toMatchObject([{ code: 'JOURNAL_DAMAGED' }]);
  });

  test('a system that stops in the middle of a read reports no failure', async () => {
    const place = await waiting();
    write(place, texts(30));
    await place.world.clock.settle();
    const slow = Promise.withResolvers<void>();
    place.journal.gate = slow.promise;
    gate.resolve();
    await place.world.clock.settle();
    place.journal.onRead = () => {
      throw new MegactorError('SYSTEM_STOPPED', 'the journal is closing');
    };
    const [shard] = place.world.shards;
    await shard?.drain(0);
    const closed = shard?.close();
    slow.resolve();
    await place.world.clock.settle();
    await closed;
    expect(place.world.failures).toEqual([]);
    expect(place.journal.pending).toBeGreaterThan(0);
  });
});

describe('how much is in memory', () => {
  /** The most mail that a shard held at any moment in which its journal was asked for something. */
  const watchMost = (place: Place): (() => number) => {
    let most = 0;
    const watch = (): void => {
      const { mailbox = 0, spilled = 0 } = look(place) ?? {};
      most = Math.max(most, mailbox - spilled);
    };
    place.journal.onAppend = watch;
    place.journal.onRead = watch;
    return () => most;
  };

  test('A4 never more than the capacity and one batch, whatever waits', async () => {
    for (const capacity of [1, 3, 64]) {
      gate = Promise.withResolvers<void>();
      const place = await waiting({ ...SMALL, mailbox: { capacity } });
      const most = watchMost(place);
      const count = 40 * capacity;
      await place.journal.deliver(texts(count).map((text) => inBox(place.ref, 'mail', text)));
      await place.world.clock.settle();
      expect(look(place)).toMatchObject({ mailbox: count, spilled: count - capacity });
      await finish(place);
      expect(await place.world.ask(place.ref, 'got')).toEqual(texts(count));
      expect(most()).toBeLessThanOrEqual(capacity + Math.min(4, capacity));
      // In batches, not mail by mail.
      expect(place.journal.reads).toBeLessThanOrEqual(count / Math.ceil(capacity / 4));
    }
  });

  test('A4 D1 an opening that finds much mail for one actor gives it what fits', async () => {
    const place = await waiting({ ...SMALL, mailbox: { capacity: 64 } });
    const count = 20_000;
    place.journal.crash();
    await place.journal.deliver(texts(count).map((text) => inBox(place.ref, 'mail', text)));
    const world = open(place.journal, 1);
    await world.shards[0]?.open();
    // The turn that waited is lost, and its mail is the first again.
    expect(look({ ...place, world })).toMatchObject({ mailbox: count + 1, spilled: count + 1 - 64 });
    expect(place.journal.reads).toBe(0);
  });
});

describe('a passive actor to which more is sent than its line keeps', () => {
  /** Bodies that a line keeps. */
  const KEPT = 16_384;
  const AFTER_MS = 10;

  /** A scribe that has left the memory, and a journal that does not answer yet. */
  const passive = async (): Promise<Place & { readonly answer: () => void }> => {
    const place = await waiting(SMALL, { passivateAfterMs: AFTER_MS });
    gate.resolve();
    await place.world.clock.advance(10 * AFTER_MS);
    expect(look(place)).toBeUndefined();
    const slow = Promise.withResolvers<void>();
    place.journal.gate = slow.promise;
    const answer = (): void => {
      slow.resolve();
      place.journal.gate = Promise.resolve();
    };
    return { ...place, answer };
  };

  test('D1 A5 one that is stopped by what stands in its line: everything else in it is a dead letter', async () => {
    const place = await passive();
    const stop = {
      kind: 'signal',
      to: place.ref.id,
      from: place.ref,
      signal: { kind: 'stop', reason: 'test' },
    } as const;
    await place.journal.deliver(texts(KEPT + 5).map((text) => inBox(place.ref, 'mail', text)));
    await place.journal.deliver([{ shard: 0, entry: stop }]);
    await place.journal.deliver(texts(10).map((text) => inBox(place.ref, 'mail', text)));
    await place.world.clock.settle();
    place.answer();
    await finish(place);
    expect(place.journal.pending).toBe(0);
    expect(counters(place)).toMatchObject({ mailboxDepth: 0, spilled: 0, deadLetters: KEPT + 15 });
    expect(place.world.failures).toEqual([]);
  });

  test('D1 one that is not there: everything is a dead letter, what comes meanwhile too', async () => {
    const place = await passive();
    // No actor has it, but one might: it is below an id that was seen.
    const nobody = { ...place.ref, id: place.ref.id - 256 };
    await place.journal.deliver(texts(KEPT + 5).map((text) => inBox(nobody, 'mail', text)));
    await place.world.clock.settle();
    place.answer();
    await place.world.clock.some(1);
    await place.journal.deliver(texts(10).map((text) => inBox(nobody, 'mail', text)));
    await finish(place);
    expect(place.journal.pending).toBe(0);
    expect(counters(place)).toMatchObject({ deadLetters: KEPT + 15 });
    expect(place.world.shards[0]?.deadLetters().every(({ reason }) => reason === 'not-found')).toBe(true);
  });

  for (const name of ['', 'late']) {
    const kind = name === '' ? 'an unnamed' : 'a named';
    test(`A2 D1 ${kind} one whose spawn stands in the line gets what stands behind it, and what comes then`, async () => {
      const place = await passive();
      const id = place.ref.id - 256;
      const options = resolveSpawnOptions({ durable: true });
      const record = {
        id,
        name: name || String(id),
        module: FIXTURES,
        export: 'tally',
        init: 0,
        parent: null,
        options,
      };
      const ref = { shard: 0, id, name: record.name };
      const send = (from: number, count: number): Promise<void> =>
        place.journal.deliver(
          texts(count, from).map((text) => ({
            shard: 0,
            entry: { kind: 'mail', mail: { to: id, from: null, type: 'add', body: Number(text) } },
          })),
        );
      await send(0, 3);
      await place.journal.deliver([{ shard: 0, entry: { kind: 'spawn', actor: record } }]);
      await send(3, KEPT + 2_000);
      await place.world.clock.settle();
      place.answer();
      const more = async (round: number): Promise<void> => send(KEPT + 2_003 + 5 * round, 5);
      for (let round = 0; round < 5; round += 1) {
        await place.world.clock.some(1);
        await more(round);
      }
      await finish({ ...place, ref });
      expect(await place.world.ask(ref, 'seen')).toEqual(texts(KEPT + 2_000 + 25, 3).map(Number));
      expect(counters(place)).toMatchObject({ deadLetters: 3, mailboxDepth: 0, spilled: 0 });
      expect(place.journal.pending).toBe(0);
    });
  }
});
