/** The client of the journal against a port whose other end the test reads and answers. */
import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { createJournalClient, type JournalClientOptions, JournalServer } from '../../src/journal/index.ts';
import { decodeInboxEntry, unpack } from '../../src/journal/codec.ts';
import { postPacked } from '../../src/journal/post-packed.ts';
import type { ClientMessage, ServerMessage } from '../../src/journal/wire.ts';
import { systemClock } from '../../src/platform/index.ts';
import { errorToWire, MegactorError } from '../../src/protocol/errors.ts';
import { mail, spawn, to } from './fixtures/harness.ts';

type Deliver = Extract<ClientMessage, readonly ['deliver', ...unknown[]]>;

const open: (() => void)[] = [];
/** For what is still without an answer when the test closes the port. */
const unanswered = (promise: Promise<unknown>): void => void promise.catch(() => undefined);
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const setUp = (options: Omit<JournalClientOptions, 'clock'> = {}) => {
  const { port1, port2 } = new MessageChannel();
  let soon: (() => void)[] = [];
  const client = createJournalClient(port1, { ...options, clock: { ...systemClock, soon: (run) => soon.push(run) } });
  open.push(() => port1.close());
  return {
    client,
    /** Ends the turn of the event loop. @returns what has left with it */
    sent: async (): Promise<Deliver[]> => {
      const arrived = new Promise<unknown>((resolve) => port2.once('message', resolve));
      const due = soon;
      soon = [];
      for (const run of due) run();
      return unpack((await arrived) as Uint8Array) as Deliver[];
    },
    answer: (...messages: ServerMessage[]) => postPacked(port2, messages),
  };
};

/** The entries of a request by the order in which they are to be in the inbox: bodies of mail, names of spawns. */
const namesOf = ([, , , outgoing]: Deliver): unknown[] =>
  outgoing.map(([, , , , , payload]) => {
    const entry = decodeInboxEntry(payload);
    return entry.kind === 'spawn' ? entry.actor.name : entry.kind === 'mail' ? entry.mail.body : entry.kind;
  });

test('J3 P3 mail that comes with an opening, before and behind it, is found or delivered, and once', async () => {
  const server = await JournalServer.open({ directory: null, shards: 1, durability: 'committed' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port2);
  open.push(() => port1.close());
  const client = createJournalClient(port1);
  const delivered: unknown[] = [];
  // All of them leave as one message.
  const before = client.deliver(to(0, mail(1, 'before')));
  const opened = client.shard(0).open((deliveries) => void delivered.push(...deliveries));
  const behind = client.deliver(to(0, mail(1, 'behind')));
  const found = await opened;
  await Promise.all([before, behind]);
  expect(found.deliveries).toEqual([{ seq: 0, entry: mail(1, 'before') }]);
  await expect.poll(() => delivered).toEqual([{ seq: 1, entry: mail(1, 'behind') }]);
  await server.close();
});

test('J4 an opening of an earlier life that comes late does not take the shard from a later one', async () => {
  const server = await JournalServer.open({ directory: null, shards: 1, durability: 'committed' });
  const connect = (incarnation: number) => {
    const { port1, port2 } = new MessageChannel();
    server.attach(port2);
    open.push(() => port1.close());
    return createJournalClient(port1, { incarnation }).shard(0);
  };
  const [dead, living] = [connect(1), connect(2)];
  await living.open(() => undefined);
  await expect(dead.open(() => undefined)).rejects.toMatchObject({ code: 'JOURNAL_FENCED' });
  await living.append({ entries: [], outgoing: [] });
  expect(living.position).toBe(1);
  await server.close();
});

test('C2 deliveries to one shard that follow each other are one request, in their order', async () => {
  const { client, sent, answer } = setUp();
  const delivered = [
    client.deliver(to(1, mail(257, 'a'))),
    client.deliver(to(1, spawn(513, 'b'), mail(513, 'c'))),
    client.deliver(to(1, mail(257, 'd'))),
  ];
  const requests = await sent();
  expect(requests.map(namesOf)).toEqual([['a', 'b', 'c', 'd']]);
  answer(['ok', requests[0]?.[1] ?? 0, undefined]);
  expect(await Promise.all(delivered)).toHaveLength(3);

  unanswered(client.deliver(to(1, mail(257, 'e'))));
  expect((await sent()).map(namesOf)).toEqual([['e']]);
});

test('C2 nothing joins a delivery over another request, of another shard or of another level', async () => {
  const { client, sent } = setUp();
  unanswered(client.deliver(to(1, mail(257, 'a'))));
  unanswered(client.pending());
  unanswered(client.deliver(to(1, mail(257, 'b'))));
  unanswered(client.deliver(to(2, mail(258, 'c'))));
  unanswered(client.deliver(to(1, mail(257, 'd'))));
  unanswered(client.deliver(to(1, mail(257, 'e')), 'committed'));
  unanswered(client.deliver([...to(1, mail(257, 'f')), ...to(2, mail(258, 'g'))]));
  unanswered(client.deliver(to(1, mail(257, 'h'))));
  const requests = await sent();
  const names = requests.map((request) => (request[0] === 'deliver' ? namesOf(request) : request[0]));
  expect(names).toEqual([['a'], 'pending', ['b'], ['c'], ['d'], ['e'], ['f', 'g'], ['h']]);
});

test('A4 a request does not grow without limit', async () => {
  const { client, sent } = setUp();
  const large = 'x'.repeat(600 * 1024);
  for (let count = 0; count < 5; count += 1) unanswered(client.deliver(to(1, mail(257, large))));
  unanswered(client.deliver(to(1, mail(257, 'last'))));
  expect((await sent()).map((request) => request[3].length)).toEqual([2, 2, 2]);
});

test('C3 what cannot be packed fails alone', async () => {
  const { client, sent, answer } = setUp();
  const first = client.deliver(to(1, mail(257, 'a')));
  await expect(
    client.deliver(
      to(
        1,
        mail(257, () => 0),
      ),
    ),
  ).rejects.toMatchObject({ code: 'MESSAGE_NOT_CLONEABLE' });
  const last = client.deliver(to(1, mail(257, 'c')));
  const [request] = await sent();
  expect(request && namesOf(request)).toEqual(['a', 'c']);
  answer(['ok', request?.[1] ?? 0, undefined]);
  expect(await Promise.all([first, last])).toHaveLength(2);
});

test('C1 an answer is that of every delivery in the request, and so is the end of the port', async () => {
  const { client, sent, answer } = setUp();
  const failed = Promise.allSettled([client.deliver(to(1, mail(257, 'a'))), client.deliver(to(1, mail(257, 'b')))]);
  const [request] = await sent();
  answer(['failed', request?.[1] ?? 0, errorToWire(new MegactorError('DISK', 'full'))]);
  for (const outcome of await failed) expect(outcome).toMatchObject({ reason: { code: 'DISK' } });

  const cut = Promise.allSettled([client.deliver(to(1, mail(257, 'c'))), client.deliver(to(1, mail(257, 'd')))]);
  open.pop()?.();
  for (const outcome of await cut) expect(outcome).toMatchObject({ reason: { code: 'SYSTEM_STOPPED' } });
});

test('A4 deliveries count against the limit one by one, until they are answered', async () => {
  const { client, sent, answer } = setUp({ outstandingMax: 3 });
  const three = Promise.all(['a', 'b', 'c'].map((body) => client.deliver(to(1, mail(257, body)))));
  await expect(client.deliver(to(1, mail(257, 'd')))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  await expect(client.deliver(to(2, mail(258, 'd')))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  const requests = await sent();
  expect(requests.map(namesOf)).toEqual([['a', 'b', 'c']]);
  answer(['ok', requests[0]?.[1] ?? 0, undefined]);
  await three;
  unanswered(client.deliver(to(1, mail(257, 'e'))));
  expect((await sent()).map(namesOf)).toEqual([['e']]);
});

test('A4 mail is read again although as much is under way as may be: what reads has a bound of its own', async () => {
  const server = await JournalServer.open({ directory: null, shards: 1, durability: 'none' });
  const { port1, port2 } = new MessageChannel();
  server.attach(port2);
  const client = createJournalClient(port1, { outstandingMax: 1 });
  const log = client.shard(0);
  await log.open(() => undefined);
  await client.deliver(to(0, mail(257, 'a')));
  const second = client.deliver(to(0, mail(257, 'b')));
  await expect(client.deliver(to(0, mail(257, 'c')))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  expect(await log.read([0])).toMatchObject([{ seq: 0, entry: { mail: { body: 'a' } } }]);
  await second;
  await client.close();
  await server.close();
});
