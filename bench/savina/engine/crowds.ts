/** Programs of many actors that meet, as a user of the engine writes them: chameneos, big, philosophers. */
import { defineActor, message, type ActorRef } from '../../../src/actor/index.ts';
import { Lcg } from '../outcome.ts';
import { complement } from '../programs/crowds.ts';
import { SEED, type Size } from '../settings.ts';
import { REPORT, Report } from './report.ts';

interface Creation {
  readonly mall: ActorRef;
  readonly colour: number;
}

export const creature = defineActor(import.meta.url, 'creature', {
  state: ({ mall, colour }: Creation) => ({ mall, colour, met: 0 }),
  messages: { start: message(), change: message<number>(), exit: message() },
  receive: {
    start: (state, _, ctx) => {
      ctx.tell(state.mall, 'meet', state.colour);
    },
    change: (state, colour, ctx) => {
      state.met += 1;
      state.colour = colour;
      ctx.tell(state.mall, 'meet', colour);
    },
    exit: (state, _, ctx) => {
      ctx.tell(state.mall, 'count', state.met);
    },
  },
});

interface Waiting {
  readonly colour: number;
  readonly ref: ActorRef;
}

export const chameneos = defineActor(import.meta.url, 'chameneos', {
  state: () => ({
    report: new Report(),
    actors: 0,
    items: 0,
    meetings: 0,
    met: 0,
    gone: 0,
    waiting: null as Waiting | null,
  }),
  messages: { ...REPORT, meet: message<number>(), count: message<number>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      state.actors = actors;
      state.items = items;
      const all = Array.from({ length: actors }, (_, index) =>
        ctx.spawn(creature, { mall: ctx.self, colour: index % 3 }),
      );
      for (const one of all) ctx.tell(one, 'start');
    },
    meet: (state, colour, ctx) => {
      const { waiting } = state;
      const { sender } = ctx;
      if (sender === null) return;
      if (state.meetings === state.items) {
        ctx.tell(sender, 'exit');
      } else if (waiting === null) {
        state.waiting = { colour, ref: sender };
      } else {
        state.meetings += 1;
        state.waiting = null;
        const both = complement(waiting.colour, colour);
        ctx.tell(waiting.ref, 'change', both);
        ctx.tell(sender, 'change', both);
      }
    },
    count: (state, met, ctx) => {
      state.met += met;
      state.gone += 1;
      if (state.gone === state.actors) state.report.finish({ meetings: state.meetings, met: state.met }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

interface Crowd {
  readonly all: readonly ActorRef[];
  readonly items: number;
}

export const pinger = defineActor(import.meta.url, 'pinger', {
  state: ({ sink, seed }: { readonly sink: ActorRef; readonly seed: number }) => ({
    sink,
    random: new Lcg(seed),
    all: [] as readonly ActorRef[],
    items: 0,
    pings: 0,
    pongs: 0,
  }),
  messages: { start: message<Crowd>(), ping: message(), pong: message(), report: message() },
  receive: {
    start: (state, { all, items }, ctx) => {
      state.all = all;
      state.items = items;
      const to = all[state.random.below(all.length)];
      if (to !== undefined) ctx.tell(to, 'ping');
    },
    ping: (state, _, ctx) => {
      state.pings += 1;
      if (ctx.sender !== null) ctx.tell(ctx.sender, 'pong');
    },
    pong: (state, _, ctx) => {
      state.pongs += 1;
      if (state.pongs === state.items) {
        ctx.tell(state.sink, 'done');
        return;
      }
      const to = state.all[state.random.below(state.all.length)];
      if (to !== undefined) ctx.tell(to, 'ping');
    },
    report: (state, _, ctx) => {
      ctx.tell(state.sink, 'counts', { pings: state.pings, pongs: state.pongs });
    },
  },
});

export const big = defineActor(import.meta.url, 'big', {
  state: () => ({ report: new Report(), all: [] as ActorRef[], done: 0, reported: 0, pings: 0, pongs: 0 }),
  messages: { ...REPORT, done: message(), counts: message<{ pings: number; pongs: number }>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      const all = Array.from({ length: actors }, (_, index) =>
        ctx.spawn(pinger, { sink: ctx.self, seed: SEED + index }),
      );
      state.all = all;
      for (const one of all) ctx.tell(one, 'start', { all, items });
    },
    done: (state, _, ctx) => {
      state.done += 1;
      if (state.done === state.all.length) for (const one of state.all) ctx.tell(one, 'report');
    },
    counts: (state, { pings, pongs }, ctx) => {
      state.pings += pings;
      state.pongs += pongs;
      state.reported += 1;
      if (state.reported < state.all.length) return;
      state.report.finish({ actors: state.reported, pings: state.pings, pongs: state.pongs }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});

interface Place {
  readonly table: ActorRef;
  readonly seat: number;
  readonly items: number;
}

export const philosopher = defineActor(import.meta.url, 'philosopher', {
  state: (place: Place) => ({ ...place, eaten: 0 }),
  messages: { start: message(), eat: message() },
  receive: {
    start: (state, _, ctx) => {
      ctx.tell(state.table, 'hungry', state.seat);
    },
    eat: (state, _, ctx) => {
      state.eaten += 1;
      ctx.tell(state.table, 'done', state.seat);
      if (state.eaten < state.items) ctx.tell(state.table, 'hungry', state.seat);
      else ctx.tell(state.table, 'exit', state.eaten);
    },
  },
});

/** The table, and the forks on it. */
class Forks {
  readonly #taken: boolean[];
  readonly #hungry: (ActorRef | null)[];
  #eating = 0;
  clashes = 0;

  constructor(seats: number) {
    this.#taken = Array.from({ length: seats }, () => false);
    this.#hungry = Array.from<ActorRef | null>({ length: seats }).fill(null);
  }

  wants(seat: number, who: ActorRef): void {
    this.#hungry[seat] = who;
  }

  /** Who may eat now on that seat. */
  serve(seat: number): ActorRef | null {
    const who = this.#hungry[seat] ?? null;
    const right = (seat + 1) % this.#taken.length;
    if (who === null || this.#taken[seat] === true || this.#taken[right] === true) return null;
    this.#hungry[seat] = null;
    this.#taken[seat] = true;
    this.#taken[right] = true;
    this.#eating += 1;
    if (2 * this.#eating > this.#taken.length) this.clashes += 1;
    return who;
  }

  free(seat: number): void {
    const right = (seat + 1) % this.#taken.length;
    if (this.#taken[seat] !== true || this.#taken[right] !== true) this.clashes += 1;
    this.#taken[seat] = false;
    this.#taken[right] = false;
    this.#eating -= 1;
  }
}

export const philosophers = defineActor(import.meta.url, 'philosophers', {
  state: () => ({ report: new Report(), actors: 0, forks: new Forks(0), meals: 0, gone: 0 }),
  messages: { ...REPORT, hungry: message<number>(), done: message<number>(), exit: message<number>() },
  receive: {
    begin: (state, { actors, items }: Size, ctx) => {
      state.report.begin();
      state.actors = actors;
      state.forks = new Forks(actors);
      const all = Array.from({ length: actors }, (_, seat) => ctx.spawn(philosopher, { table: ctx.self, seat, items }));
      for (const one of all) ctx.tell(one, 'start');
    },
    hungry: (state, seat, ctx) => {
      if (ctx.sender === null) return;
      state.forks.wants(seat, ctx.sender);
      const served = state.forks.serve(seat);
      if (served !== null) ctx.tell(served, 'eat');
    },
    done: (state, seat, ctx) => {
      const { forks, actors } = state;
      forks.free(seat);
      const left = forks.serve((seat + actors - 1) % actors);
      if (left !== null) ctx.tell(left, 'eat');
      const right = forks.serve((seat + 1) % actors);
      if (right !== null) ctx.tell(right, 'eat');
    },
    exit: (state, meals, ctx) => {
      state.meals += meals;
      state.gone += 1;
      if (state.gone < state.actors) return;
      const { clashes } = state.forks;
      state.report.finish({ meals: state.meals, philosophers: state.gone, clashes }, ctx);
    },
    outcome: (state, _, ctx) => state.report.answer(ctx),
  },
});
