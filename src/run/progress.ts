/** Counters of a run in progress: read from shared memory and from the last answers of the services, never waited for. */
import { MODEL, WORKSPACE } from '../../actors/run-services.ts';
import type { Clock, TimerHandle } from '../platform/index.ts';
import type { ActorSystem } from '../runtime/index.ts';
import type { RunProgress } from './types.ts';

const REFRESH_PERIOD_MS = 500;

export class ProgressMeter {
  phase: RunProgress['phase'] = 'planning';
  readonly #clock: Clock;
  readonly #startedAt: number;
  #system: ActorSystem | null = null;
  #timer: TimerHandle | null = null;
  #endedAt: number | null = null;
  #last = {
    modelCalls: 0,
    callsInFlight: 0,
    files: 0,
    commits: 0,
    tokens: { input: 0, cachedInput: 0, output: 0 },
    turns: 0,
    steps: 0,
    messages: 0,
    agents: 0,
  };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
  }

  attach(system: ActorSystem): void {
    this.#system = system;
    this.#timer = this.#clock.every(REFRESH_PERIOD_MS, () => void this.#refresh(system));
  }

  detach(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#system = null;
    this.#endedAt = this.#clock.monotonic();
  }

  progress(): RunProgress {
    if (this.#system !== null) {
      const { turns, steps, messages, spawned } = this.#system.stats().total;
      this.#last = { ...this.#last, turns, steps, messages, agents: spawned };
    }
    const wallSeconds = ((this.#endedAt ?? this.#clock.monotonic()) - this.#startedAt) / 1_000;
    return { phase: this.phase, ...this.#last, wallSeconds };
  }

  async #refresh(system: ActorSystem): Promise<void> {
    try {
      const [model, workspace] = await Promise.all([
        system.callService(MODEL, 'stats', {}, { deadlineMs: REFRESH_PERIOD_MS * 4 }),
        system.callService(WORKSPACE, 'stats', {}, { deadlineMs: REFRESH_PERIOD_MS * 4 }),
      ]);
      const { input, cachedInput, output } = model.tokens;
      this.#last = {
        ...this.#last,
        modelCalls: model.calls,
        callsInFlight: model.inFlight,
        files: workspace.files,
        commits: workspace.commits,
        tokens: { input, cachedInput, output },
      };
    } catch {
      // Progress is a courtesy: a service that is busy or gone shows its last numbers.
    }
  }
}
