/** An actor and two services that a program is bundled with. */
import { defineActor, message, request, type CreateService } from 'megactor';

export const tally = defineActor(import.meta.url, 'tally', {
  state: (start: number) => ({ total: start }),
  messages: { add: message<number>(), total: request<void, number>() },
  receive: {
    add: (state, amount) => {
      state.total += amount;
    },
    total: (state) => state.total,
  },
});

export const createPrices: CreateService = () => ({ methods: { price: () => 40 } });
export const createTaxes: CreateService = () => ({ methods: { tax: () => 2 } });
