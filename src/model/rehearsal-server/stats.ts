/**
 * What a rehearsal server has done since it started or was reset.
 *
 * 1. A call is in flight from the moment it is accepted until its answer is written or its client is gone.
 * 2. What is kept by name or in order is bounded.
 */
import type { FailureKind } from '../rehearsal/index.ts';

const NAMES_MAX = 100_000;
const PLANTED_MAX = 100_000;
const OTHERS = '_others';

/** A failure that was answered on purpose. */
export interface PlantedFailure {
  readonly kind: FailureKind | 'outage';
  readonly agent: string;
}

/** The answer to `GET /stats`. */
export interface ServerStats {
  /** Accepted calls of chat completions and embeddings, whatever became of them. */
  readonly calls: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Calls refused by a limit. */
  readonly rejected: number;
  readonly byAgent: Readonly<Record<string, number>>;
  /** Tool calls in the answers. */
  readonly byTool: Readonly<Record<string, number>>;
  /** Bytes of all bodies received at the two model endpoints. */
  readonly bytesIn: number;
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number };
  /** The first 100,000. */
  readonly planted: readonly PlantedFailure[];
}

const countUp = (counts: Map<string, number>, name: string): void => {
  const known = counts.get(name);
  if (known !== undefined) counts.set(name, known + 1);
  else if (counts.size < NAMES_MAX) counts.set(name, 1);
  else counts.set(OTHERS, (counts.get(OTHERS) ?? 0) + 1);
};

export class StatsCounter {
  #calls = 0;
  #inFlight = 0;
  #maxInFlight = 0;
  #rejected = 0;
  #bytesIn = 0;
  #input = 0;
  #cachedInput = 0;
  #output = 0;
  readonly #byAgent = new Map<string, number>();
  readonly #byTool = new Map<string, number>();
  readonly #planted: PlantedFailure[] = [];

  received(bytes: number): void {
    this.#bytesIn += bytes;
  }

  rejected(): void {
    this.#rejected += 1;
  }

  begin(agent: string): void {
    this.#calls += 1;
    this.#inFlight += 1;
    if (this.#inFlight > this.#maxInFlight) this.#maxInFlight = this.#inFlight;
    countUp(this.#byAgent, agent);
  }

  end(): void {
    this.#inFlight -= 1;
  }

  planted(kind: PlantedFailure['kind'], agent: string): void {
    if (this.#planted.length < PLANTED_MAX) this.#planted.push({ kind, agent });
  }

  answered(input: number, cachedInput: number, output: number): void {
    this.#input += input;
    this.#cachedInput += cachedInput;
    this.#output += output;
  }

  toolCalled(name: string): void {
    countUp(this.#byTool, name);
  }

  read(): ServerStats {
    return {
      calls: this.#calls,
      inFlight: this.#inFlight,
      maxInFlight: this.#maxInFlight,
      rejected: this.#rejected,
      byAgent: Object.fromEntries(this.#byAgent),
      byTool: Object.fromEntries(this.#byTool),
      bytesIn: this.#bytesIn,
      tokens: { input: this.#input, cachedInput: this.#cachedInput, output: this.#output },
      planted: [...this.#planted],
    };
  }

  /** Back to nothing, but for the calls that are in flight. */
  reset(): void {
    this.#calls = 0;
    this.#maxInFlight = this.#inFlight;
    this.#rejected = 0;
    this.#bytesIn = 0;
    this.#input = 0;
    this.#cachedInput = 0;
    this.#output = 0;
    this.#byAgent.clear();
    this.#byTool.clear();
    this.#planted.length = 0;
  }
}
