/**
 * One request whose answer is wanted whole: sent over an undici dispatcher, read to its end, handed over as text. No
 * streams, `Response`s, `Headers` or signals are made for it, which cost more than the exchange itself. What it does not
 * do: retry, follow redirects, judge a status, keep a time limit (whoever asks cuts it off).
 *
 * 1. It settles once: with the answer, with a failure, or by `cut`.
 * 2. A failure is a TypeError whose cause has the code of the socket error, as that of `fetch` is.
 * 3. What was cut off before it got a socket is never written to one.
 * 4. Of an answer no more than `ANSWER_BYTES_MAX` is held: a longer one is MODEL_BAD_RESPONSE, and read no further.
 */
import type { Dispatcher } from 'undici';
import { MegactorError } from '../protocol/errors.ts';

/** Headers as they came, names in lower case. */
export type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WholeAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly text: string;
}

export interface WholeRequest {
  /** With what follows a `?`. */
  readonly path: string;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly body: string;
  /** Called when it is written to a socket. */
  readonly onSent?: (() => void) | undefined;
}

export interface Exchange {
  readonly answer: Promise<WholeAnswer>;
  /** Ends it, wherever it is; `answer` rejects with ABORTED unless it has settled. */
  cut(): void;
}

/** The value of a header, `name` in lower case; null when it is not there. */
export const headerOf = (headers: RawHeaders, name: string): string | null => {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
};

/** Far beyond what any model says, and far below what ends a process. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export const tooLong = (): MegactorError =>
  new MegactorError('MODEL_BAD_RESPONSE', `the answer is longer than ${ANSWER_BYTES_MAX} bytes`);

/** Some servers put it before JSON, which may not begin with it. */
const BOM = '\uFEFF';

class WholeHandler implements Dispatcher.DispatchHandler, Exchange {
  readonly answer: Promise<WholeAnswer>;
  #resolve: (answer: WholeAnswer) => void = () => {};
  #reject: (error: Error) => void = () => {};
  readonly #onSent: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | null = null;
  #isCut = false;
  #status = 0;
  #headers: RawHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(onSent: (() => void) | undefined) {
    this.#onSent = onSent;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  cut(): void {
    this.#isCut = true;
    const error = new MegactorError('ABORTED', 'the request was cut off');
    this.#reject(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isCut) {
      controller.abort(new MegactorError('ABORTED', 'the request was cut off'));
      return;
    }
    this.#controller = controller;
    this.#onSent?.();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: RawHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= ANSWER_BYTES_MAX) {
      this.#chunks.push(chunk);
      return;
    }
    const error = tooLong();
    this.#chunks = [];
    this.#reject(error);
    controller.abort(error);
  }

  onResponseEnd(): void {
    const [first, ...others] = this.#chunks;
    this.#chunks = [];
    const bytes = first === undefined || others.length === 0 ? first : Buffer.concat([first, ...others]);
    const text = bytes?.toString('utf8') ?? '';
    this.#resolve({ status: this.#status, headers: this.#headers, text: text.startsWith(BOM) ? text.slice(1) : text });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#chunks = [];
    this.#reject(new TypeError('the request failed', { cause: error }));
  }
}

/** Sends `request` as a POST over `dispatcher`. */
export const exchangeWhole = (dispatcher: Pick<Dispatcher, 'dispatch'>, request: WholeRequest): Exchange => {
  const { path, headers, body } = request;
  const handler = new WholeHandler(request.onSent);
  dispatcher.dispatch({ path, method: 'POST', headers, body }, handler);
  return handler;
};
