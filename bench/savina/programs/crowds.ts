/** Programs of many actors that meet, on a bare kernel: chameneos, big, philosophers. */
import type { Finish, Kernel, Ref } from '../kernel.ts';
import { Lcg } from '../outcome.ts';
import { SEED, type Size } from '../settings.ts';

type Creature =
  { readonly type: 'start' } | { readonly type: 'change'; readonly colour: number } | { readonly type: 'exit' };
type Mall =
  | { readonly type: 'meet'; readonly colour: number; readonly from: Ref<Creature> }
  | { readonly type: 'count'; readonly met: number };

/** The colour that neither of the two has, or the one that both have. */
export const complement = (one: number, other: number): number => (one === other ? one : 3 - one - other);

export const chameneos = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  let meetings = 0;
  let met = 0;
  let gone = 0;
  let waiting: { readonly colour: number; readonly from: Ref<Creature> } | null = null;
  const mall = kernel.spawn<Mall>((message) => {
    if (message.type === 'count') {
      met += message.met;
      gone += 1;
      if (gone === actors) finish({ meetings, met });
    } else if (meetings === items) {
      message.from.send({ type: 'exit' });
    } else if (waiting === null) {
      waiting = message;
    } else {
      meetings += 1;
      const colour = complement(waiting.colour, message.colour);
      waiting.from.send({ type: 'change', colour });
      message.from.send({ type: 'change', colour });
      waiting = null;
    }
  });
  const creature = (first: number): Ref<Creature> => {
    let colour = first;
    let count = 0;
    const self: Ref<Creature> = kernel.spawn<Creature>((message) => {
      if (message.type === 'exit') {
        mall.send({ type: 'count', met: count });
        return;
      }
      if (message.type === 'change') {
        count += 1;
        colour = message.colour;
      }
      mall.send({ type: 'meet', colour, from: self });
    });
    return self;
  };
  const all = Array.from({ length: actors }, (_, index) => creature(index % 3));
  for (const one of all) one.send({ type: 'start' });
};

type Big =
  | { readonly type: 'start' }
  | { readonly type: 'ping'; readonly from: Ref<Big> }
  | { readonly type: 'pong' }
  | { readonly type: 'report' };
type Sink = { readonly type: 'done' } | { readonly type: 'counts'; readonly pings: number; readonly pongs: number };

export const big = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const all: Ref<Big>[] = [];
  let done = 0;
  let reported = 0;
  let pings = 0;
  let pongs = 0;
  const sink = kernel.spawn<Sink>((message) => {
    if (message.type === 'done') {
      done += 1;
      if (done === actors) for (const one of all) one.send({ type: 'report' });
      return;
    }
    pings += message.pings;
    pongs += message.pongs;
    reported += 1;
    if (reported === actors) finish({ actors: reported, pings, pongs });
  });
  const member = (index: number): Ref<Big> => {
    const random = new Lcg(SEED + index);
    let pinged = 0;
    let answered = 0;
    const self: Ref<Big> = kernel.spawn<Big>((message) => {
      if (message.type === 'ping') {
        pinged += 1;
        message.from.send({ type: 'pong' });
        return;
      }
      if (message.type === 'report') {
        sink.send({ type: 'counts', pings: pinged, pongs: answered });
        return;
      }
      if (message.type === 'pong') answered += 1;
      if (answered === items) sink.send({ type: 'done' });
      else all[random.below(actors)]?.send({ type: 'ping', from: self });
    });
    return self;
  };
  for (let index = 0; index < actors; index += 1) all.push(member(index));
  for (const one of all) one.send({ type: 'start' });
};

type Philosopher = { readonly type: 'start' } | { readonly type: 'eat' };
type Table =
  | { readonly type: 'hungry'; readonly seat: number; readonly from: Ref<Philosopher> }
  | { readonly type: 'done'; readonly seat: number }
  | { readonly type: 'exit'; readonly meals: number };

/** The table answers when both forks are free; who must wait is asked again by the neighbour that puts a fork down. */
export const philosophers = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const taken = Array.from({ length: actors }, () => false);
  const hungry = Array.from<Ref<Philosopher> | null>({ length: actors }).fill(null);
  let clashes = 0;
  let eating = 0;
  let meals = 0;
  let gone = 0;
  const serve = (seat: number): void => {
    const philosopher = hungry[seat];
    const right = (seat + 1) % actors;
    if (philosopher == null || taken[seat] === true || taken[right] === true) return;
    hungry[seat] = null;
    taken[seat] = true;
    taken[right] = true;
    eating += 1;
    if (2 * eating > actors) clashes += 1;
    philosopher.send({ type: 'eat' });
  };
  const table = kernel.spawn<Table>((message) => {
    if (message.type === 'hungry') {
      hungry[message.seat] = message.from;
      serve(message.seat);
    } else if (message.type === 'done') {
      const { seat } = message;
      const right = (seat + 1) % actors;
      if (taken[seat] !== true || taken[right] !== true) clashes += 1;
      taken[seat] = false;
      taken[right] = false;
      eating -= 1;
      serve((seat + actors - 1) % actors);
      serve(right);
    } else {
      meals += message.meals;
      gone += 1;
      if (gone === actors) finish({ meals, philosophers: gone, clashes });
    }
  });
  const philosopher = (seat: number): Ref<Philosopher> => {
    let eaten = 0;
    const self: Ref<Philosopher> = kernel.spawn<Philosopher>((message) => {
      if (message.type === 'eat') {
        eaten += 1;
        table.send({ type: 'done', seat });
      }
      if (eaten < items) table.send({ type: 'hungry', seat, from: self });
      else table.send({ type: 'exit', meals: eaten });
    });
    return self;
  };
  const all = Array.from({ length: actors }, (_, seat) => philosopher(seat));
  for (const one of all) one.send({ type: 'start' });
};
