/**
 * Who watches which agents of a run, and the words of their models as they come: the streams behind `run.stream`. What it
 * does not do: make models stream (the model service does, for those that it is told are watched).
 *
 * Invariants: V1 A stream ends with the run, and nobody who does not read in time holds anything up: the oldest pieces are
 * dropped and counted. V2 The model service knows of exactly the agents that have a stream that is open.
 */
import { MegactorError } from '../protocol/errors.ts';
import { EventChannel } from './event-channel.ts';
import { deltasSchema } from './services/model-watch.ts';
import type { TextDelta, TextStream } from './types.ts';

const PIECES_MAX = 10_000;
const STREAMS_MAX = 1_000;

interface Open {
  /** null: everybody. */
  readonly agent: string | null;
  readonly channel: EventChannel<TextDelta>;
}

export class TextStreams {
  readonly #open = new Set<Open>();
  #tell: ((agents: readonly string[] | null) => void) | null = null;
  #closed = false;

  /** @throws USAGE when there are too many */
  stream(agent?: string): TextStream {
    if (this.#open.size >= STREAMS_MAX) {
      throw new MegactorError('USAGE', `a run has at most ${STREAMS_MAX} streams at once`);
    }
    const channel: EventChannel<TextDelta> = new EventChannel({
      most: PIECES_MAX,
      onClose: () => {
        if (this.#open.delete(open)) this.#changed();
      },
    });
    const open: Open = { agent: agent ?? null, channel };
    if (this.#closed) {
      channel.close();
    } else {
      this.#open.add(open);
      this.#changed();
    }
    return channel;
  }

  /** The run has a model service. @param tell says who is watched; null is everybody */
  attach(tell: (agents: readonly string[] | null) => void): void {
    this.#tell = tell;
    if (this.#open.size > 0) this.#changed();
  }

  /** Takes a message of the model service. @returns whether it was one of these */
  push(message: unknown): boolean {
    // Nearly all messages are, and few come otherwise: the kind tells without a parse.
    if (typeof message !== 'object' || message === null || !('kind' in message) || message.kind !== 'deltas') {
      return false;
    }
    const notice = deltasSchema.safeParse(message);
    for (const delta of notice.data?.deltas ?? []) {
      for (const { agent, channel } of this.#open) if (agent === null || agent === delta.agent) channel.push(delta);
    }
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#tell = null;
    for (const { channel } of this.#open) channel.close();
  }

  #changed(): void {
    const agents = [...this.#open].map(({ agent }) => agent);
    this.#tell?.(agents.includes(null) ? null : [...new Set(agents.filter((agent) => agent !== null))]);
  }
}
