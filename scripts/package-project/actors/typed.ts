/** An actor of a user who writes TypeScript; it is loaded as it is, by type stripping. */
import { defineActor, message, request } from 'megactor';

interface Account {
  total: number;
}

export const typed = defineActor(import.meta.url, 'typed', {
  state: (start: number): Account => ({ total: start }),
  messages: { add: message<number>(), total: request<void, number>() },
  receive: {
    add: (state, amount) => {
      state.total += amount;
    },
    total: (state) => state.total,
  },
});
