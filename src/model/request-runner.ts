/**
 * Runs one request to a model server under its caller's signal and a time limit, and names what went wrong. What it does
 * not do: send anything, or know what is asked.
 *
 * 1. Every failure is an error of the catalogue: MODEL_* or ABORTED.
 * 2. The key appears in no error message, hint or detail, and no error of a library is handed on as a cause.
 * 3. The time limit covers the whole request, the body of its answer included.
 */
import type { APIConnectionError, APIError } from 'openai';
import { MegactorError } from '../protocol/errors.ts';
import type { Clock } from '../platform/index.ts';

import { httpError, redact, type HeaderReader } from './http-error.ts';

/** An answer with a status that is none of success. */
export class HttpStatusError extends Error {
  readonly status: number;
  readonly header: HeaderReader;
  readonly text: string;

  constructor(status: number, header: HeaderReader, text: string) {
    super(`status ${status}`);
    this.status = status;
    this.header = header;
    this.text = text;
  }
}

interface Cuttable {
  cut(): void;
}

/** How a request learns that it is to end. */
export interface Cut {
  /** Aborts then; made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Whether it is to end already. */
  readonly isCut: boolean;
  /** What is cut then; one in all. */
  cuts(target: Cuttable): void;
}

class RequestCut implements Cut {
  #controller: AbortController | null = null;
  #target: Cuttable | null = null;
  isCut = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isCut) this.#controller.abort();
    return this.#controller.signal;
  }

  cuts(target: Cuttable): void {
    this.#target = target;
    if (this.isCut) target.cut();
  }

  now(): void {
    this.isCut = true;
    this.#controller?.abort();
    this.#target?.cut();
  }
}

/** The code of the socket error below, if there is one: ECONNREFUSED, ENOTFOUND, UND_ERR_CONNECT_TIMEOUT … */
const socketCode = (error: unknown): string | null => {
  let current: unknown = error;
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth += 1) {
    const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === 'string' && code !== '') return code;
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return null;
};

/** What status an error would have had that came inside a stream, after a status of 200. */
const streamStatus = (body: unknown): number => {
  const code = typeof body === 'object' && body !== null && 'code' in body ? Number(body.code) : Number.NaN;
  return Number.isInteger(code) && code >= 400 && code < 600 ? code : 500;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** The classes of errors that the SDK throws. */
export interface SdkErrors {
  readonly APIError: typeof APIError;
  readonly APIConnectionError: typeof APIConnectionError;
}

export interface RunnerParts {
  /** Of the server, for messages. */
  readonly origin: string;
  readonly apiKey: string | null;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** null before the SDK is loaded: then no error is one of its own. */
  readonly sdkErrors: () => SdkErrors | null;
}

interface CallEnd {
  readonly caller: AbortSignal;
  readonly timedOut: boolean;
}

export class RequestRunner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** @throws MODEL_*, ABORTED */
  async run<Result>(caller: AbortSignal, request: (cut: Cut) => Promise<Result>): Promise<Result> {
    if (caller.aborted) throw new MegactorError('ABORTED', 'the call was cancelled');
    const cut = new RequestCut();
    let timedOut = false;
    const abort = (): void => cut.now();
    caller.addEventListener('abort', abort, { once: true });
    const timer = this.#parts.clock.after(
      this.#parts.timeoutMs,
      () => {
        timedOut = true;
        cut.now();
      },
      { keepAlive: true },
    );
    try {
      return await request(cut);
    } catch (error) {
      throw this.#named(error, { caller, timedOut });
    } finally {
      timer.cancel();
      caller.removeEventListener('abort', abort);
    }
  }

  #named(error: unknown, end: CallEnd): MegactorError {
    const { origin, apiKey, timeoutMs, clock, sdkErrors } = this.#parts;
    const sdk = sdkErrors();
    if (end.caller.aborted) return new MegactorError('ABORTED', 'the call was cancelled');
    if (end.timedOut) {
      return new MegactorError('MODEL_TIMEOUT', `the model server did not answer within ${timeoutMs} ms`);
    }
    if (error instanceof MegactorError) return error;
    const about = { now: clock.now(), secrets: apiKey === null ? [] : [apiKey] };
    if (error instanceof HttpStatusError) {
      const { status, header, text } = error;
      return httpError({ ...about, status, header, body: parsed(text) });
    }
    const isSdks = sdk !== null && error instanceof sdk.APIError;
    const isConnections = sdk !== null && error instanceof sdk.APIConnectionError;
    if (isSdks && !isConnections) {
      return httpError({
        ...about,
        status: typeof error.status === 'number' ? error.status : streamStatus(error.error),
        header: (name) => error.headers?.get(name) ?? null,
        body: error.error ?? error.message,
      });
    }
    const code = socketCode(error);
    if (isConnections || error instanceof TypeError) {
      return new MegactorError('MODEL_UNREACHABLE', `no connection to ${origin}${code === null ? '' : ` (${code})`}`, {
        details: code === null ? {} : { cause: code },
      });
    }
    if (error instanceof SyntaxError) {
      return new MegactorError('MODEL_BAD_RESPONSE', 'the answer is not JSON');
    }
    const message = error instanceof Error ? error.message : String(error);
    return new MegactorError('MODEL_SERVER', redact(`the request failed: ${message}`, about.secrets));
  }
}
