/** Programs of few actors and many messages, on a bare kernel: pingpong, counting, fork-join, ring, create. */
import type { Finish, Kernel, Ref } from '../kernel.ts';
import { BURST, type Size } from '../settings.ts';

type Ping = { readonly type: 'ping'; readonly from: Ref<Pong> };
type Pong = { readonly type: 'start' } | { readonly type: 'pong' };

export const pingpong = (kernel: Kernel, { items }: Size, finish: Finish): void => {
  let pings = 0;
  let pongs = 0;
  const pong = kernel.spawn<Ping>((message) => {
    pings += 1;
    message.from.send({ type: 'pong' });
  });
  const ping: Ref<Pong> = kernel.spawn<Pong>((message) => {
    if (message.type === 'pong') pongs += 1;
    if (pongs < items) pong.send({ type: 'ping', from: ping });
    else finish({ pings, pongs });
  });
  ping.send({ type: 'start' });
};

type Count =
  | { readonly type: 'increment' }
  | { readonly type: 'mark'; readonly from: Ref<Produce> }
  | { readonly type: 'retrieve'; readonly from: Ref<Produce> };
type Produce = { readonly type: 'go' } | { readonly type: 'total'; readonly count: number };

export const counting = (kernel: Kernel, { items }: Size, finish: Finish): void => {
  let count = 0;
  const counter = kernel.spawn<Count>((message) => {
    if (message.type === 'increment') count += 1;
    else if (message.type === 'mark') message.from.send({ type: 'go' });
    else message.from.send({ type: 'total', count });
  });
  let left = items;
  const producer: Ref<Produce> = kernel.spawn<Produce>((message) => {
    if (message.type === 'total') {
      finish({ counted: message.count });
      return;
    }
    const end = Math.max(0, left - BURST);
    for (; left > end; left -= 1) counter.send({ type: 'increment' });
    counter.send(left > 0 ? { type: 'mark', from: producer } : { type: 'retrieve', from: producer });
  });
  producer.send({ type: 'go' });
};

type Job =
  | { readonly type: 'job' }
  | { readonly type: 'mark'; readonly from: Ref<Join> }
  | { readonly type: 'end'; readonly from: Ref<Join> };
type Join =
  { readonly type: 'start' } | { readonly type: 'marked' } | { readonly type: 'joined'; readonly received: number };

export const forkJoin = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const worker = (): Ref<Job> => {
    let received = 0;
    return kernel.spawn<Job>((message) => {
      if (message.type === 'job') received += 1;
      else if (message.type === 'mark') message.from.send({ type: 'marked' });
      else message.from.send({ type: 'joined', received });
    });
  };
  const workers = Array.from({ length: actors }, worker);
  let left = items;
  let marked = 0;
  let joined = 0;
  let received = 0;
  const fork = (main: Ref<Join>): void => {
    marked = 0;
    const end = Math.max(0, left - BURST);
    for (; left > end; left -= 1) for (const one of workers) one.send({ type: 'job' });
    for (const one of workers) one.send({ type: left > 0 ? 'mark' : 'end', from: main });
  };
  const main: Ref<Join> = kernel.spawn<Join>((message) => {
    if (message.type === 'start') {
      fork(main);
    } else if (message.type === 'marked') {
      marked += 1;
      if (marked === actors) fork(main);
    } else {
      joined += 1;
      received += message.received;
      if (joined === actors) finish({ workers: joined, received });
    }
  });
  main.send({ type: 'start' });
};

/** Goes round until `left` is 0; then `sum` gathers what everybody has counted. */
type Token =
  | { readonly type: 'token'; readonly left: number }
  | { readonly type: 'sum'; readonly hops: number; readonly asked: number };

export const ring = (kernel: Kernel, { actors, items }: Size, finish: Finish): void => {
  const all: Ref<Token>[] = [];
  const member = (index: number): Ref<Token> => {
    let hops = 0;
    const next = (index + 1) % actors;
    return kernel.spawn<Token>((message) => {
      if (message.type === 'sum') {
        const sum = message.hops + hops;
        if (message.asked === actors) finish({ hops: sum });
        else all[next]?.send({ type: 'sum', hops: sum, asked: message.asked + 1 });
        return;
      }
      hops += 1;
      if (message.left > 1) all[next]?.send({ type: 'token', left: message.left - 1 });
      else all[next]?.send({ type: 'sum', hops: 0, asked: 1 });
    });
  };
  for (let index = 0; index < actors; index += 1) all.push(member(index));
  all[0]?.send({ type: 'token', left: items });
};

/** The last of a burst, whom everybody before it was served before, asks for the next. */
type Hello = { readonly type: 'hello' } | { readonly type: 'last'; readonly from: Ref<Create> };
type Create = { readonly type: 'go' };

export const create = (kernel: Kernel, { actors }: Size, finish: Finish): void => {
  let created = 0;
  let received = 0;
  const makeOne = (): Ref<Hello> => {
    let greeted = false;
    created += 1;
    return kernel.spawn<Hello>((message) => {
      if (!greeted) received += 1;
      greeted = true;
      if (message.type === 'last') message.from.send({ type: 'go' });
    });
  };
  const maker: Ref<Create> = kernel.spawn<Create>(() => {
    if (created === actors) {
      finish({ created, received });
      return;
    }
    for (let count = Math.min(BURST, actors - created); count > 1; count -= 1) makeOne().send({ type: 'hello' });
    makeOne().send({ type: 'last', from: maker });
  });
  maker.send({ type: 'go' });
};
