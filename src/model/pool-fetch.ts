/**
 * One origin over an undici `Pool`: `post` for answers that are wanted whole, and a `fetch` with a real `Response`, so that
 * whoever uses it sees errors, streams and aborts as usual, at half the CPU time of Node's own. What it does not do: other
 * origins, redirects (a 3xx is handed back as it is), compression (it asks for none).
 *
 * 1. A failure before the headers rejects with a TypeError whose cause has the code of the socket error, as `fetch` does.
 * 2. An aborted signal rejects with its reason, also while the body is read.
 * 3. Cancelling the body destroys the connection's stream and swallows the stream's 'error', which would otherwise end
 *    the process.
 * 4. No more than `ANSWER_BYTES_MAX` of a body are handed over: a longer one fails with MODEL_BAD_RESPONSE.
 */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
// Not the whole of undici, which takes three times as long to load and of which this is a tenth.
import request from 'undici/lib/api/api-request.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import DecoratorHandler from 'undici/lib/handler/decorator-handler.js';
import { ANSWER_BYTES_MAX, exchangeWhole, tooLong, type Exchange, type WholeRequest } from './whole-exchange.ts';

/** What this `fetch` takes beyond a `RequestInit`. */
export interface PoolRequestInit extends RequestInit {
  /** Called when the request is put on a socket. */
  readonly onSent?: () => void;
}

/** A handler that tells when its request, once it got a socket, is written to it. */
const sentHandler = (handler: Dispatcher.DispatchHandler, onSent: () => void): Dispatcher.DispatchHandler => {
  // The library's decorator speaks to handlers of the old and the new form alike.
  const decorated = new DecoratorHandler(handler) as Required<Pick<Dispatcher.DispatchHandler, 'onRequestStart'>>;
  const start = decorated.onRequestStart.bind(decorated);
  decorated.onRequestStart = (controller, context) => {
    onSent();
    start(controller, context);
  };
  return decorated;
};

/** Options as the interceptor below finds them. */
type DispatchOptions = Dispatcher.DispatchOptions & { readonly onSent?: (() => void) | undefined };

const tellSent =
  (dispatch: Dispatcher['dispatch']): Dispatcher['dispatch'] =>
  (options: DispatchOptions, handler) =>
    dispatch(options, options.onSent === undefined ? handler : sentHandler(handler, options.onSent));

export interface PoolFetch {
  readonly fetch: (input: string | URL | Request, init?: PoolRequestInit) => Promise<Response>;
  readonly post: (request: WholeRequest) => Exchange;
  close(): Promise<void>;
}

const NO_BODY_STATUSES = new Set([101, 103, 204, 205, 304]);

/** A web stream that follows the pace of its reader. */
const webStream = (body: Readable, signal: AbortSignal | null | undefined): ReadableStream<Uint8Array> => {
  // Whatever the body still says after that is said to nobody.
  let done = false;
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      body.on('data', (chunk: Buffer) => {
        if (done) return;
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) {
          done = true;
          controller.error(tooLong());
          body.destroy();
          return;
        }
        controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if ((controller.desiredSize ?? 0) <= 0) body.pause();
      });
      body.on('end', () => {
        if (done) return;
        done = true;
        controller.close();
      });
      // Stays attached for the whole life of the stream: errors after a cancel have to land somewhere.
      body.on('error', (error) => {
        if (done) return;
        done = true;
        controller.error(signal?.aborted === true ? signal.reason : new TypeError('terminated', { cause: error }));
      });
      body.on('close', () => {
        if (done) return;
        done = true;
        controller.error(new TypeError('terminated'));
      });
      body.pause();
    },
    pull() {
      body.resume();
    },
    cancel() {
      done = true;
      body.destroy();
    },
  });
};

const headersOf = (init: RequestInit | undefined): Record<string, string> => {
  const given = init?.headers instanceof Headers ? init.headers : new Headers(init?.headers);
  const headers = Object.fromEntries(given.entries());
  headers['accept-encoding'] = 'identity';
  return headers;
};

const responseHeaders = (raw: Record<string, string | string[] | undefined>): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    if (typeof value === 'string') headers.append(name, value);
    else if (value !== undefined) for (const one of value) headers.append(name, one);
  }
  return headers;
};

/** What follows the origin; null for another one. */
const pathBelow = (origin: string, input: string | URL): string | null => {
  // The SDK gives texts that it took from a URL.
  if (typeof input === 'string' && input.startsWith(`${origin}/`) && !input.includes('#')) {
    return input.slice(origin.length);
  }
  const url = new URL(input);
  return url.origin === origin ? url.pathname + url.search : null;
};

/** @param connections most sockets at once; default no limit, since the gate limits the calls */
export const createPoolFetch = (origin: string, options: { connections?: number } = {}): PoolFetch => {
  const pool = new Pool(origin, {
    connections: options.connections ?? null,
    pipelining: 1,
    // The caller's signal is the one time limit, so that it can be long for slow models.
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: 10_000,
    keepAliveTimeout: 30_000,
  });
  const dispatcher = pool.compose(tellSent);
  return {
    fetch: async (input, init) => {
      const path = pathBelow(origin, typeof input === 'object' && 'url' in input ? input.url : input);
      if (path === null) throw new TypeError(`this fetch serves ${origin} only`);
      const signal = init?.signal;
      signal?.throwIfAborted();
      const body = init?.body;
      if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
        throw new TypeError('this fetch sends text and bytes only');
      }
      try {
        const options: Parameters<Dispatcher['request']>[0] & DispatchOptions = {
          path,
          method: init?.method ?? 'GET',
          headers: headersOf(init),
          body: body ?? null,
          signal: signal ?? null,
          onSent: init?.onSent,
        };
        const answer = await request.call(dispatcher, options);
        const status = answer.statusCode;
        const empty = NO_BODY_STATUSES.has(status);
        if (empty) answer.body.on('error', () => {}).resume();
        return new Response(empty ? null : webStream(answer.body, signal), {
          status,
          headers: responseHeaders(answer.headers),
        });
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw new TypeError('fetch failed', { cause: error });
      }
    },
    post: (request) => exchangeWhole(pool, request),
    // Not `close`: that would wait for answers nobody reads any more.
    close: () => pool.destroy(),
  };
};
