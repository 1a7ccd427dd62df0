/** The clients of one process of a list trial: each has `depth` operations without an answer, and asks for more. */
import type { Random } from '../../../src/platform/index.ts';
import type { Child } from './child-process.ts';
import { drawOperation, type ListTrial } from './draw.ts';
import type { Asked, History } from './history.ts';
import type { FromChild } from './wire.ts';

export interface ClientsOptions {
  readonly trial: ListTrial;
  readonly random: Random;
  readonly history: History;
  /** What the answers of the process stand for. */
  readonly durability: Asked['level'];
  /** Operations in all. */
  readonly most: number;
  /** A client that is refused leaves it at that; what it asked for may have happened. */
  readonly onRefused: (code: string) => void;
}

export class Clients {
  readonly #options: ClientsOptions;
  readonly #waiting = new Map<number, Asked>();
  readonly #idle = Promise.withResolvers<void>();
  #child: Child | null = null;
  #asked = 0;
  #refused = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Resolves when everything was asked and answered, and nothing was refused. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  begin(child: Child): void {
    this.#child = child;
    const { clients, depth } = this.#options.trial;
    for (let turn = 0; turn < clients * depth; turn += 1) this.#ask(turn % clients);
  }

  hear(message: FromChild): void {
    if (message.kind !== 'done' && message.kind !== 'refused') return;
    const asked = this.#waiting.get(message.id);
    if (asked === undefined) return;
    this.#waiting.delete(message.id);
    if (message.kind === 'done') {
      this.#options.history.answer(asked, message.result);
      this.#ask(asked.client);
    } else {
      this.#refused = true;
      this.#options.onRefused(message.code);
    }
    if (this.#asked >= this.#options.most && this.#waiting.size === 0 && !this.#refused) this.#idle.resolve();
  }

  #ask(client: number): void {
    const { trial, random, history, durability, most } = this.#options;
    if (this.#child === null || this.#asked >= most) return;
    this.#asked += 1;
    const operation = drawOperation(random, trial, `c${client}-${history.asked.length + 1}`);
    const level = 'level' in operation ? (operation.level ?? durability) : durability;
    this.#waiting.set(this.#asked, history.ask(client, operation, level));
    this.#child.send({ kind: 'do', id: this.#asked, operation });
  }
}
