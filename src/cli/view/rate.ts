/** How fast a counter grows, over a sliding window of time. */

/** Samples closer than this tell nothing new. */
const SAMPLE_MS = 250;

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export class Rate {
  readonly #windowMs: number;
  #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(atMs: number, value: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < SAMPLE_MS) return;
    this.#samples.push({ atMs, value });
    // One sample beyond the window stays, so that it is always covered whole.
    while (this.#samples.length > 2 && atMs - (this.#samples[1] as Sample).atMs >= this.#windowMs)
      this.#samples.shift();
  }

  /** 0 until there are two samples. */
  get perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.max(0, ((last.value - first.value) / (last.atMs - first.atMs)) * 1_000);
  }
}
