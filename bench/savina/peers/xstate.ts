/** XState as a kernel: actors from transition functions. A send runs the receiver at once, on the sender's stack. */
import { createActor, fromTransition } from 'xstate';
import type { Kernel, Ref, Typed } from '../kernel.ts';

export const xstateKernel = (): Kernel => {
  const all: unknown[] = [];
  return {
    spawn: <Message extends Typed>(handle: (message: Message) => void): Ref<Message> => {
      const logic = fromTransition((state: number, message: Message) => {
        handle(message);
        return state;
      }, 0);
      const actor = createActor(logic);
      actor.start();
      all.push(actor);
      return actor;
    },
    // Whoever is sent something has handled it when `send` is over.
    drain: () => {},
  };
};
