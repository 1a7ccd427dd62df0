/**
 * The rehearsal as a model server on the loopback interface, for clients that speak OpenAI's protocol. What it does not
 * do: decide answers (`rehearsal/`), check keys (any will do), listen to other machines.
 *
 * 1. Every path is there with and without `/v1` in front, so that the server's URL works as a base URL with and without.
 * 2. `close` refuses new connections at once, lets answers in progress out for a short time, and then cuts the rest.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { answer, refuse } from './exchange.ts';
import { LimitWindow, NO_LIMITS, type RateLimits } from './limits.ts';
import { ModelEndpoints } from './model-endpoints.ts';
import { errorBody } from './requests.ts';
import { StatsCounter, type ServerStats } from './stats.ts';
import type { RehearsalOptions } from '../rehearsal/index.ts';

const HOST = '127.0.0.1';
/** Longer than clients keep unused connections, or they would send into one that is just being closed. */
const KEEP_ALIVE_MS = 75_000;
/** Thousands of agents may connect at the same moment. */
const BACKLOG = 4_096;
const CLOSE_GRACE_MS = 500;

export interface RehearsalServerOptions {
  /** From `parseRehearsalOptions`. */
  readonly rehearsal: RehearsalOptions;
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /** Default: none. */
  readonly limits?: Partial<RateLimits> | undefined;
  readonly clock?: Clock;
}

export interface RehearsalServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  /** What clients take as their base URL: `url` with `/v1`. */
  readonly baseUrl: string;
  readonly port: number;
  stats(): ServerStats;
  /** Forgets statistics, used-up limits and what has failed; the outage begins anew. */
  reset(): void;
  close(): Promise<void>;
}

type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** `/v1/stats?x=1` → `/stats`. */
const routePath = (url: string): string => {
  const queryAt = url.indexOf('?');
  let path = queryAt === -1 ? url : url.slice(0, queryAt);
  for (let depth = 0; depth < 2 && path.startsWith('/v1/'); depth += 1) path = path.slice(3);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
};

const MODEL = { id: 'rehearsal', object: 'model', created: 0, owned_by: 'megactor', synthetic: true };
const ABOUT = {
  name: 'megactor rehearsal-server',
  synthetic: true,
  about: 'Plays a model server without a language model. Every text is synthetic.',
  endpoints: [
    'POST /v1/chat/completions',
    'POST /v1/embeddings',
    'GET /v1/models',
    'GET /v1/models/NAME',
    'GET /stats',
    'POST /reset',
  ],
};

const json = (value: unknown): Route => {
  const text = JSON.stringify(value);
  return (_request, response) => answer(response, 200, text);
};

/** Method by method, path by path. */
const routesOf = (
  endpoints: ModelEndpoints,
  stats: StatsCounter,
  reset: () => void,
): ReadonlyMap<string, Readonly<Record<string, Route>>> => {
  const models = json({ object: 'list', data: [MODEL] });
  const about = json(ABOUT);
  const read: Route = (_request, response) => answer(response, 200, JSON.stringify(stats.read()));
  return new Map<string, Readonly<Record<string, Route>>>([
    ['/chat/completions', { POST: endpoints.chat }],
    ['/embeddings', { POST: endpoints.embeddings }],
    ['/models', { GET: models }],
    ['/models/rehearsal', { GET: json(MODEL) }],
    ['/stats', { GET: read }],
    [
      '/reset',
      {
        POST: (_request, response) => {
          reset();
          answer(response, 200, '{"ok":true}');
        },
      },
    ],
    ['/', { GET: about }],
    ['/v1', { GET: about }],
  ]);
};

const handlerOf =
  (routes: ReturnType<typeof routesOf>): Route =>
  (request, response) => {
    const path = routePath(request.url ?? '/');
    const methods = routes.get(path);
    const route = methods?.[request.method ?? ''];
    if (route !== undefined) {
      route(request, response);
      return;
    }
    request.resume();
    const asked = `${request.method ?? ''} ${(request.url ?? '').slice(0, 200)}`;
    if (methods !== undefined) {
      const allow = Object.keys(methods).join(', ');
      refuse(response, 405, `Not allowed: ${asked}. Use ${allow}.`, { headers: ['allow', allow] });
    } else if (path.startsWith('/models/')) {
      refuse(response, 404, 'The only model here is rehearsal.', { code: 'model_not_found', param: 'model' });
    } else {
      refuse(response, 404, `Invalid URL (${asked})`, { code: 'unknown_url' });
    }
  };

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} is in use`
          : error.code === 'EACCES'
            ? `port ${port} needs more rights than this user has`
            : error.message;
      reject(new MegactorError('CONFIG_INVALID', `the rehearsal server: ${why}`, { hint: 'Choose another --port.' }));
    });
    server.listen({ port, host: HOST, backlog: BACKLOG }, resolve);
  });

const close = async (server: Server, clock: Clock): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const cut = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections(), { keepAlive: true });
  await closed;
  cut.cancel();
};

/** Starts a server. @throws CONFIG_INVALID when the port cannot be had */
export const startRehearsalServer = async (options: RehearsalServerOptions): Promise<RehearsalServer> => {
  const clock = options.clock ?? systemClock;
  const stats = new StatsCounter();
  const window = new LimitWindow({ ...NO_LIMITS, ...options.limits });
  const endpoints = new ModelEndpoints({ options: options.rehearsal, window, stats, clock });
  const reset = (): void => {
    stats.reset();
    window.reset();
    endpoints.reset();
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handlerOf(routesOf(endpoints, stats, reset)));
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return;
    const body = errorBody('This is not an HTTP request.', 'invalid_request_error', null);
    socket.end(
      `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const url = `http://${HOST}:${port}`;
  let closing: Promise<void> | null = null;
  return {
    url,
    baseUrl: `${url}/v1`,
    port,
    stats: () => stats.read(),
    reset,
    close: () => (closing ??= close(server, clock)),
  };
};
