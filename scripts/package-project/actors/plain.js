/** An actor of a user who writes JavaScript; the types come from the schemas. */
import { defineActor, message, request } from 'megactor';
import { z } from 'zod';

export const plain = defineActor(import.meta.url, 'plain', {
  /** @param {number} start */
  state: (start) => ({ total: start }),
  messages: { add: message(z.number()), total: request(z.void(), z.number()) },
  receive: {
    add: (state, amount) => {
      state.total += amount;
    },
    total: (state) => state.total,
  },
});
