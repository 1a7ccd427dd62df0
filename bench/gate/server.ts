/** The rehearsal server of a measurement, in a process of its own, and what it counts while others are at work. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { serveMegactor, type Serving } from '../harness/programs.ts';
import { SEED } from './settings.ts';

const statsSchema = z.object({
  calls: z.int(),
  rejected: z.int(),
  bytesIn: z.int(),
  byAgent: z.record(z.string(), z.int()),
  tokens: z.object({ input: z.int(), cachedInput: z.int(), output: z.int() }),
  planted: z.array(z.unknown()),
});

export type Stats = z.infer<typeof statsSchema>;

/** What a server had counted at some moment. */
export interface Sample {
  readonly atMs: number;
  /** Let in by the limits. */
  readonly calls: number;
  readonly rejected: number;
  /** Of the calls, those that met an outage. */
  readonly out: number;
  /** Input that was not cached, and output. */
  readonly tokens: number;
  readonly byAgent: Readonly<Record<string, number>>;
}

const PERIOD_MS = 50;

export interface LimitsOfServer {
  /** Per window. */
  readonly requests?: number;
  readonly tokens?: number;
  readonly windowMs?: number;
}

/** @param folder for the rehearsal file */
export const serveRehearsal = (folder: string, rehearsal: unknown, limits: LimitsOfServer = {}): Promise<Serving> => {
  const path = join(folder, 'rehearsal.json');
  writeFileSync(path, JSON.stringify(rehearsal));
  const { requests, tokens, windowMs } = limits;
  return serveMegactor([
    'rehearsal-server',
    '--rehearsal',
    path,
    '--seed',
    String(SEED),
    ...(requests === undefined ? [] : ['--rpm', String(requests)]),
    ...(tokens === undefined ? [] : ['--tpm', String(tokens)]),
    ...(windowMs === undefined ? [] : ['--window-ms', String(windowMs)]),
  ]);
};

export const statsOf = async (url: string): Promise<Stats> =>
  statsSchema.parse(await (await fetch(`${url}/stats`)).json());

/** Asks a server again and again what it has counted. */
export class Watch {
  readonly #url: string;
  readonly samples: Sample[] = [];
  #over = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      const atMs = systemClock.monotonic();
      const { calls, rejected, byAgent, tokens, planted } = await statsOf(this.#url);
      const worked = tokens.input - tokens.cachedInput + tokens.output;
      this.samples.push({ atMs, calls, rejected, out: planted.length, tokens: worked, byAgent });
      await systemClock.sleep(PERIOD_MS);
    }
  }
}
