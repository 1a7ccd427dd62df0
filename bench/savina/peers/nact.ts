/** nact as a kernel: actors of one system, each message through `dispatch`. */
import nact from 'nact';
import type { Kernel, Ref, Typed } from '../kernel.ts';

export const nactKernel = (): Kernel => {
  const system = nact.start();
  return {
    spawn: <Message extends Typed>(handle: (message: Message) => void): Ref<Message> => {
      const actor = nact.spawn(system, (state: number, message: Message) => {
        handle(message);
        return state;
      });
      return { send: (message) => nact.dispatch(actor, message) };
    },
    drain: null,
  };
};
