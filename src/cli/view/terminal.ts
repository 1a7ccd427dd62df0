/**
 * The terminal of this process as something to draw lines on and to get keys from. It decides nothing about what is
 * shown; every control sequence comes from `ansi-escapes`.
 *
 * Invariants: Z1 Whatever ends the process but a kill (return, exception, second Ctrl-C), the screen, the cursor and the
 * input are as before: `close` is called by whoever opened it, and hooks of the process call it otherwise. Z2 Only lines
 * that changed are written. Z3 Nothing is written before `openTerminal` or after `close`.
 */
import { readFileSync } from 'node:fs';
import type { Interface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import {
  beginSynchronizedOutput,
  cursorHide,
  cursorShow,
  cursorTo,
  endSynchronizedOutput,
  enterAlternativeScreen,
  eraseEndLine,
  eraseScreen,
  exitAlternativeScreen,
} from 'ansi-escapes';
import type { Clock } from '../../platform/index.ts';
import type { Key } from './navigation.ts';
import type { Size } from './render.ts';

export interface Terminal {
  readonly colours: boolean;
  readonly unicode: boolean;
  /** Whether keys arrive. */
  readonly keys: boolean;
  size(): Size;
  /** Shows these lines, from the top. */
  draw(lines: readonly string[]): void;
  onKey(listener: (key: Key) => void): void;
  /** The size changed, or the screen must be drawn anew for another reason. */
  onResize(listener: () => void): void;
  /** Puts the process aside, as Ctrl-Z does. */
  suspend(): void;
  close(): void;
}

export interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

const FALLBACK: Size = { columns: 80, rows: 24 };
/** How long an escape waits for the rest of a sequence before it is the key itself. */
const ESCAPE_TIMEOUT_MS = 50;
/** A stopped process does not see time pass: after this much of it, it goes on, or was never stopped. */
const RESUME_AFTER_MS = 100;

/** What `readline` tells about a key, as far as it is used. */
interface Keypress {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
}

/** Printable keys go by what they print, so that `g` and `G` differ and `?` has a name. */
export const keyOf = ({ name, sequence, ctrl }: Keypress): Key | null => {
  if (ctrl === true) return name === undefined ? null : { name, ctrl: true };
  const printed = sequence !== undefined && /^[^\p{C}\p{Z}]$/u.test(sequence) ? sequence : name;
  return printed === undefined ? null : { name: printed, ctrl: false };
};

const isUnicode = (env: TerminalStreams['env']): boolean =>
  /utf-?8/iu.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || (process.platform === 'linux' ? '' : 'utf8'));

/** A job in the background would be stopped by the first thing it asks of its terminal. Known on Linux only. */
const inBackground = (): boolean => {
  try {
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /su, '')
      .split(' ');
    return group !== foreground;
  } catch {
    return false;
  }
};

/** Whether there is a terminal that can show more than lines one after another. */
export const canOpen = ({ output, env }: Pick<TerminalStreams, 'output' | 'env'>): boolean =>
  output.isTTY && env['TERM'] !== 'dumb' && env['TERM'] !== '' && !inBackground();

class ProcessTerminal implements Terminal {
  readonly colours: boolean;
  readonly unicode: boolean;
  readonly keys: boolean;
  readonly #streams: TerminalStreams;
  #shown: readonly string[] = [];
  #active = false;
  #closed = false;
  #listenKey: (key: Key) => void = () => undefined;
  #listenResize: () => void = () => undefined;

  constructor(streams: TerminalStreams) {
    const { input, output, env } = streams;
    this.#streams = streams;
    this.colours = output.hasColors(16);
    this.unicode = isUnicode(env);
    this.keys = input.isTTY;
    if (this.keys) {
      process
        .getBuiltinModule('node:readline')
        .emitKeypressEvents(input, { escapeCodeTimeout: ESCAPE_TIMEOUT_MS } as unknown as Interface);
      input.on('keypress', this.#onKeypress);
      input.on('error', this.#onGone);
    }
    output.on('resize', this.#onResize);
    process.on('exit', this.#onEnd);
    // Before the exception is printed: on the other screen nobody would see it.
    process.on('uncaughtExceptionMonitor', this.#onEnd);
    this.#enter();
  }

  size(): Size {
    const { columns, rows } = this.#streams.output;
    return { columns: columns || FALLBACK.columns, rows: rows || FALLBACK.rows };
  }

  draw(lines: readonly string[]): void {
    const { output } = this.#streams;
    // A terminal that is behind gets the next picture instead of this one.
    if (!this.#active || output.writableNeedDrain) return;
    let text = '';
    for (const [row, line] of lines.entries()) {
      // Erased first: after a line of full width the cursor still stands on its last character.
      if (this.#shown[row] !== line) text += cursorTo(0, row) + eraseEndLine + line;
    }
    this.#shown = lines;
    if (text !== '') output.write(beginSynchronizedOutput + text + endSynchronizedOutput);
  }

  onKey(listener: (key: Key) => void): void {
    this.#listenKey = listener;
  }

  onResize(listener: () => void): void {
    this.#listenResize = listener;
  }

  suspend(): void {
    if (!this.#active || process.platform === 'win32') return;
    this.#leave();
    // The whole job, as the terminal itself would: npm and the launcher wait for this process.
    process.kill(0, 'SIGTSTP');
    this.#streams.clock.after(RESUME_AFTER_MS, () => {
      if (this.#closed) return;
      this.#enter();
      this.#listenResize();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { input, output } = this.#streams;
    this.#leave();
    process.off('exit', this.#onEnd);
    process.off('uncaughtExceptionMonitor', this.#onEnd);
    output.off('resize', this.#onResize);
    input.off('keypress', this.#onKeypress);
    if (this.keys) input.pause();
  }

  #enter(): void {
    if (this.#active) return;
    this.#active = true;
    this.#shown = [];
    const { input, output } = this.#streams;
    if (this.keys) {
      input.setRawMode(true);
      input.resume();
    }
    output.write(enterAlternativeScreen + cursorHide + eraseScreen);
  }

  #leave(): void {
    if (!this.#active) return;
    this.#active = false;
    const { input, output } = this.#streams;
    output.write(cursorShow + exitAlternativeScreen);
    if (this.keys) input.setRawMode(false);
  }

  readonly #onKeypress = (_text: string | undefined, press: Keypress): void => {
    const key = keyOf(press);
    if (key !== null && this.#active) this.#listenKey(key);
  };

  readonly #onResize = (): void => {
    if (!this.#active) return;
    this.#shown = [];
    this.#streams.output.write(eraseScreen);
    this.#listenResize();
  };

  readonly #onEnd = (): void => this.close();

  /** The terminal was closed: the hangup signal that comes with it is what counts. */
  readonly #onGone = (): void => undefined;
}

/** Takes the terminal over until `close`. */
export const openTerminal = (streams: TerminalStreams): Terminal => new ProcessTerminal(streams);
