/** Actors of a module of their own, as users have them. */
import { defineActor, request } from '../../src/actor/index.ts';

export const child = defineActor(import.meta.url, 'child', {
  state: () => ({}),
  messages: { two: request<void, number>() },
  receive: { two: () => 2 },
});

export const parent = defineActor(import.meta.url, 'parent', {
  state: () => ({}),
  messages: { grandchildren: request<void, number>() },
  receive: {
    grandchildren: (_state, _body, ctx) => ctx.ask(ctx.spawn(child, undefined), 'two', undefined),
  },
});
