/** The actors of a service that embeds the engine: some count, some answer, some block the thread they are on. */
import { defineActor, message, request } from '../../src/actor/index.ts';
import { systemClock } from '../../src/platform/index.ts';

export const counter = defineActor(import.meta.url, 'counter', {
  state: () => ({ count: 0, sum: 0 }),
  messages: {
    item: message<number>(),
    seen: request<void, { count: number; sum: number }>(),
    next: request<number, number>(),
  },
  receive: {
    item: (state, item) => {
      state.count += 1;
      state.sum += item;
    },
    seen: (state) => ({ ...state }),
    next: (_, number) => number + 1,
  },
});

/** Gives its thread to nobody for so many milliseconds: a tool that computes. */
export const tool = defineActor(import.meta.url, 'tool', {
  state: () => ({ runs: 0 }),
  messages: { run: message<number>(), runs: request<void, number>() },
  receive: {
    run: (state, lengthMs) => {
      const untilMs = systemClock.monotonic() + lengthMs;
      while (systemClock.monotonic() < untilMs);
      state.runs += 1;
    },
    runs: (state) => state.runs,
  },
});
