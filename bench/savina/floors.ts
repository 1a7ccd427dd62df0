/**
 * The floors: the least that hands messages from actor to actor in one thread, written by hand. No bounds, no
 * supervision, no fairness, no ids, no failures.
 */
import type { Kernel, Ref, Typed } from './kernel.ts';

const QUEUE_KEPT = 1_024;

/** One array per mailbox, with `push` and `shift`, and a queue of those who have mail. */
export const arrayFloor = (): Kernel => {
  let queue: Actor[] = [];
  let head = 0;
  const all: Actor[] = [];
  class Actor implements Ref<Typed> {
    readonly handle: (message: Typed) => void;
    readonly mailbox: Typed[] = [];
    queued = false;

    constructor(handle: (message: Typed) => void) {
      this.handle = handle;
    }

    send(message: Typed): void {
      this.mailbox.push(message);
      if (this.queued) return;
      this.queued = true;
      queue.push(this);
    }
  }
  return {
    spawn: (handle: (message: never) => void) => {
      // Whoever has the ref sends only what the handler takes.
      const actor = new Actor(handle as (message: Typed) => void);
      all.push(actor);
      return actor;
    },
    drain: () => {
      while (head < queue.length) {
        const actor = queue[head] as Actor;
        head += 1;
        if (head === QUEUE_KEPT) {
          queue = queue.slice(head);
          head = 0;
        }
        const { mailbox } = actor;
        for (let left = mailbox.length; left > 0; left -= 1) actor.handle(mailbox.shift() as Typed);
        if (mailbox.length > 0) queue.push(actor);
        else actor.queued = false;
      }
    },
  };
};

const RING_START = 1 << 16;

/** All mail in one ring, in the order in which it was sent: nothing is less work. */
export const ringFloor = (): Kernel => {
  let receivers = Array.from<Actor | undefined>({ length: RING_START });
  let messages = Array.from<Typed | undefined>({ length: RING_START });
  let head = 0;
  let length = 0;
  const all: Actor[] = [];
  const grow = (): void => {
    const size = receivers.length;
    const nextReceivers = Array.from<Actor | undefined>({ length: size * 2 });
    const nextMessages = Array.from<Typed | undefined>({ length: size * 2 });
    for (let index = 0; index < length; index += 1) {
      nextReceivers[index] = receivers[(head + index) & (size - 1)];
      nextMessages[index] = messages[(head + index) & (size - 1)];
    }
    receivers = nextReceivers;
    messages = nextMessages;
    head = 0;
  };
  class Actor implements Ref<Typed> {
    readonly handle: (message: Typed) => void;

    constructor(handle: (message: Typed) => void) {
      this.handle = handle;
    }

    send(message: Typed): void {
      if (length === receivers.length) grow();
      const at = (head + length) & (receivers.length - 1);
      receivers[at] = this;
      messages[at] = message;
      length += 1;
    }
  }
  return {
    spawn: (handle: (message: never) => void) => {
      // Whoever has the ref sends only what the handler takes.
      const actor = new Actor(handle as (message: Typed) => void);
      all.push(actor);
      return actor;
    },
    drain: () => {
      while (length > 0) {
        const receiver = receivers[head] as Actor;
        const message = messages[head] as Typed;
        messages[head] = undefined;
        head = (head + 1) & (receivers.length - 1);
        length -= 1;
        receiver.handle(message);
      }
    },
  };
};
