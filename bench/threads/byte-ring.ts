/**
 * The floor made of shared memory: one writer, one reader, records of bytes with their length, `Atomics.wait` on both
 * sides. It is what threads can do that have nothing else to do; a thread with an event loop cannot wait like this.
 */
const HEAD = 0;
const TAIL = 1;
/** Set while somebody sleeps until the word before it changes: who has changed it need not wake nobody. */
const WRITER_SLEEPS = 2;
const READER_SLEEPS = 3;
const WORDS = 16;
/** Looks at a word before sleeping: a sleep and its end cost much more. */
const LOOKS = 500;
const LENGTH_BYTES = 4;
/** The other thread is gone, or hangs. */
const SLEEP_MAX_MS = 30_000;

export class ByteRing {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #size: number;

  /** @param memory of `ByteRing.allocate` */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#bytes = new Uint8Array(memory, WORDS * Int32Array.BYTES_PER_ELEMENT);
    this.#size = this.#bytes.length;
  }

  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT + bytes);
  }

  /** Waits for room. @param record smaller than the ring */
  write(record: Uint8Array): void {
    const length = record.length + LENGTH_BYTES;
    const tail = Atomics.load(this.#words, TAIL);
    for (;;) {
      const head = Atomics.load(this.#words, HEAD);
      if (this.#size - ((tail - head) >>> 0) >= length) break;
      this.#sleepWhile(HEAD, head, WRITER_SLEEPS);
    }
    this.#copyIn(tail >>> 0, Uint8Array.of(record.length, record.length >> 8, record.length >> 16, 0));
    this.#copyIn((tail + LENGTH_BYTES) >>> 0, record);
    Atomics.store(this.#words, TAIL, (tail + length) | 0);
    if (Atomics.load(this.#words, READER_SLEEPS) === 1) Atomics.notify(this.#words, TAIL);
  }

  /** Waits for a record. The bytes are a copy. */
  read(): Uint8Array {
    const head = Atomics.load(this.#words, HEAD);
    this.#sleepWhile(TAIL, head, READER_SLEEPS);
    const [low = 0, middle = 0, high = 0] = this.#copyOut(head >>> 0, LENGTH_BYTES);
    const length = low | (middle << 8) | (high << 16);
    const record = this.#copyOut((head + LENGTH_BYTES) >>> 0, length);
    Atomics.store(this.#words, HEAD, (head + LENGTH_BYTES + length) | 0);
    if (Atomics.load(this.#words, WRITER_SLEEPS) === 1) Atomics.notify(this.#words, HEAD);
    return record;
  }

  /** Returns when the word is another than `value`. */
  #sleepWhile(word: number, value: number, flag: number): void {
    for (let look = 0; look < LOOKS; look += 1) if (Atomics.load(this.#words, word) !== value) return;
    Atomics.store(this.#words, flag, 1);
    // Who has seen the flag of an earlier sleep may wake this one for nothing.
    while (Atomics.load(this.#words, word) === value) {
      // Does not sleep when the word has changed meanwhile.
      if (Atomics.wait(this.#words, word, value, SLEEP_MAX_MS) === 'timed-out') throw new Error('nobody is there');
    }
    Atomics.store(this.#words, flag, 0);
  }

  #copyIn(position: number, bytes: Uint8Array): void {
    const at = position % this.#size;
    const first = Math.min(bytes.length, this.#size - at);
    this.#bytes.set(bytes.subarray(0, first), at);
    if (first < bytes.length) this.#bytes.set(bytes.subarray(first), 0);
  }

  #copyOut(position: number, length: number): Uint8Array {
    const at = position % this.#size;
    const first = Math.min(length, this.#size - at);
    const out = new Uint8Array(length);
    out.set(this.#bytes.subarray(at, at + first));
    if (first < length) out.set(this.#bytes.subarray(0, length - first), first);
    return out;
  }
}
