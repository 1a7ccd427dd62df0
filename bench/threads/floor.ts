/**
 * Two threads without the engine, or with one link of it, in a process of its own. Started with its settings as one JSON
 * argument; the last line is `{"count","seconds"}`. The second thread runs the same module.
 *
 * 1. What counts has arrived at the second thread, all of it, each once; it tells so, and the clock runs until then.
 */
import { isMainThread, parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { pack, unpack } from '../../src/actor/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { PeerLink } from '../../src/runtime/peer-link.ts';
import type { MailEnvelope } from '../../src/runtime/envelope.ts';
import { runSubject } from '../harness/program.ts';
import { ByteRing } from './byte-ring.ts';
import { checkTally, objectOf, Tally } from './objects.ts';
import { PER_TURN, RING_BYTES, UNDER_WAY } from './settings.ts';

export const floorSettingsSchema = z.strictObject({
  /**
   * One way: `port`, `ring`, `link`. Round trips of one number: `port-trips` and `ring-trips` from the main thread,
   * `worker-trips` between two others, as hosts are.
   */
  method: z.enum(['port', 'ring', 'link', 'port-trips', 'worker-trips', 'ring-trips']),
  /** Objects, or round trips. */
  count: z.int().positive(),
  /** Objects of a batch; of no meaning for a link, which sends what a turn of the event loop has gathered. */
  batch: z.int().positive(),
});
export type FloorSettings = z.infer<typeof floorSettingsSchema>;

export const countedSchema = z.strictObject({ count: z.int().positive(), seconds: z.number().positive() });
export type Counted = z.infer<typeof countedSchema>;

const READY = 'ready';

interface Second extends FloorSettings {
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer;
}

const tallySchema = z.strictObject({ count: z.int(), sum: z.number() });
const turn = (): Promise<void> => new Promise((resolve) => systemClock.soon(resolve));

type Post = (objects: readonly MailEnvelope[]) => void;

/** The first thread: sends all objects in batches, in turns of its event loop, and waits when too many are under way. */
const sendAll = async (settings: FloorSettings, worker: Worker, post: Post): Promise<void> => {
  let acknowledged = 0;
  let wake = (): void => {};
  const end: { tally: unknown } = { tally: null };
  worker.on('message', (message: unknown) => {
    if (typeof message === 'number') acknowledged = message;
    else if (message instanceof Object && 'sum' in message) end.tally = message;
    wake();
  });
  const news = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  for (let left = settings.count, perTurn = 0; left > 0;) {
    const batch: MailEnvelope[] = [];
    for (let size = Math.min(settings.batch, left); size > 0; size -= 1, left -= 1) batch.push(objectOf(left));
    post(batch);
    perTurn += batch.length;
    if (perTurn >= PER_TURN) {
      perTurn = 0;
      await turn();
    }
    // A ring is its own bound: who writes waits for room.
    while (settings.method !== 'ring' && settings.count - left - acknowledged > UNDER_WAY) await news();
  }
  while (end.tally === null) await news();
  checkTally(tallySchema.parse(end.tally), settings.count);
};

/** The second thread of `port` and `link`: acknowledges now and then, and tells at the end what it has. */
const receiver = (settings: FloorSettings, port: MessagePort): ((objects: readonly MailEnvelope[]) => void) => {
  const tally = new Tally();
  let acknowledged = 0;
  return (objects) => {
    tally.add(objects);
    if (tally.count - acknowledged >= UNDER_WAY / 4) {
      acknowledged = tally.count;
      port.postMessage(acknowledged);
    }
    if (tally.count === settings.count) port.postMessage({ count: tally.count, sum: tally.sum });
  };
};

const linkParts = (onEnvelopes: (envelopes: readonly MailEnvelope[]) => void) => ({
  clock: systemClock,
  onEnvelopes: onEnvelopes as (envelopes: readonly unknown[]) => void,
  onRefused: () => {
    throw new Error('an envelope was refused');
  },
});

const runSecond = (settings: Second, port: MessagePort): void => {
  port.postMessage(READY);
  switch (settings.method) {
    case 'port': {
      const receive = receiver(settings, port);
      port.on('message', (message: MailEnvelope | MailEnvelope[]) =>
        receive(Array.isArray(message) ? message : [message]),
      );
      return;
    }
    case 'link': {
      const receive = receiver(settings, port);
      port.once('message', (own: MessagePort) => new PeerLink(linkParts(receive)).attach(own));
      return;
    }
    case 'ring': {
      const ring = new ByteRing(settings.there);
      const tally = new Tally();
      while (tally.count < settings.count) tally.add(unpack(ring.read()) as MailEnvelope[]);
      port.postMessage({ count: tally.count, sum: tally.sum });
      return;
    }
    case 'port-trips':
      port.on('message', (message: number) => port.postMessage(message));
      return;
    case 'worker-trips':
      port.once('message', ({ own, begins }: Leg) => {
        if (begins) void portTrips(own, settings.count).then(() => port.postMessage(READY));
        else own.on('message', (message: number) => own.postMessage(message));
      });
      return;
    case 'ring-trips': {
      const there = new ByteRing(settings.there);
      const back = new ByteRing(settings.back);
      for (let trip = 0; trip < settings.count; trip += 1) back.write(there.read());
      return;
    }
    default:
      settings.method satisfies never;
  }
};

/** What a thread needs for round trips with another worker. */
interface Leg {
  readonly own: MessagePort;
  readonly begins: boolean;
}

const portTrips = (worker: Worker | MessagePort, count: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let trip = 1;
    worker.on('message', (message: number) => {
      if (message !== trip) reject(new Error(`${message} came back instead of ${trip}`));
      trip += 1;
      if (trip > count) resolve();
      else worker.postMessage(trip);
    });
    worker.postMessage(trip);
  });

const ringTrips = (settings: Second): void => {
  const there = new ByteRing(settings.there);
  const back = new ByteRing(settings.back);
  for (let trip = 1; trip <= settings.count; trip += 1) {
    there.write(Uint8Array.of(trip & 255, trip >> 8, trip >> 16));
    const [low = 0, middle = 0, high = 0] = back.read();
    if ((low | (middle << 8) | (high << 16)) !== trip) throw new Error(`another number than ${trip} came back`);
  }
};

const workerTrips = async (first: Worker, second: Worker): Promise<void> => {
  const { port1, port2 } = new MessageChannel();
  const done = new Promise<void>((resolve, reject) => {
    first.once('message', () => resolve());
    first.once('error', reject);
  });
  second.postMessage({ own: port1, begins: false }, [port1]);
  first.postMessage({ own: port2, begins: true }, [port2]);
  await done;
};

/** A thread that has loaded its modules: what that takes is not measured, and it may need this thread. */
const started = async (settings: Second): Promise<Worker> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: settings });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
  });
  return worker;
};

const runFirst = async (settings: Second, worker: Worker, third: Worker | null): Promise<void> => {
  switch (settings.method) {
    case 'port':
      return sendAll(settings, worker, (objects) => worker.postMessage(settings.batch === 1 ? objects[0] : objects));
    case 'ring': {
      const ring = new ByteRing(settings.there);
      return sendAll(settings, worker, (objects) => ring.write(pack(objects)));
    }
    case 'link': {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage(port2, [port2]);
      const link = new PeerLink(linkParts(() => {}));
      link.attach(port1);
      await sendAll(settings, worker, (objects) => {
        for (const object of objects) link.send(object);
      });
      link.close();
      return undefined;
    }
    case 'port-trips':
      return portTrips(worker, settings.count);
    case 'worker-trips':
      return third === null ? undefined : workerTrips(third, worker);
    case 'ring-trips':
      return ringTrips(settings);
    default:
      return settings.method satisfies never;
  }
};

const runOnce = async (settings: FloorSettings): Promise<number> => {
  const second: Second = {
    ...settings,
    there: ByteRing.allocate(RING_BYTES),
    back: ByteRing.allocate(RING_BYTES),
  };
  const worker = await started(second);
  const third = settings.method === 'worker-trips' ? await started(second) : null;
  try {
    const startedAt = systemClock.monotonic();
    await runFirst(second, worker, third);
    return (systemClock.monotonic() - startedAt) / 1_000;
  } finally {
    await worker.terminate();
    await third?.terminate();
  }
};

export const measureFloor = async (settings: FloorSettings): Promise<Counted> => {
  const seconds = await runOnce(settings);
  return { count: settings.count, seconds };
};

if (!isMainThread && parentPort !== null) runSecond(workerData as Second, parentPort);
else if (import.meta.main) await runSubject(floorSettingsSchema, measureFloor);
