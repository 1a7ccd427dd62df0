/**
 * The run's side of the control socket: takes one request per connection, has it done, answers. It decides nothing
 * about runs, and a run goes on without it when no socket can be opened.
 *
 * Invariants: V1 Every connection ends: by its answer, by a refusal, by a deadline, or with the server. V2 Nothing a
 * client sends harms the run: sizes, times and the number of connections are limited, and a failure is an answer.
 * V3 A request that was taken is answered before the socket closes, within the deadline.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../platform/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import { removeSocket, socketPlaces, writeAddress } from './control-address.ts';
import {
  ANSWER_DEADLINE_MS,
  CONNECTIONS_MAX,
  CONTROL_VERSION,
  LineReader,
  lineOf,
  parseRequest,
  REQUEST_BYTES_MAX,
  REQUEST_DEADLINE_MS,
  type ControlAnswer,
  type ControlEnding,
  type ControlRequest,
} from './control-protocol.ts';
import type { RunDirectory } from './run-directory.ts';
import type { Told } from './types.ts';

/** What the run does when it is asked. */
export interface ControlHandler {
  tell(agent: string, text: string): Promise<Told>;
  /** Asks the run to end; says how it is going to. */
  end(wish: 'pause' | 'stop'): ControlEnding;
}

export interface ControlServer {
  /** The path of the socket; null when there is none, and the run cannot be steered from outside. */
  readonly path: string | null;
  /** Takes no more requests, answers those that were taken, removes the socket. */
  close(): Promise<void>;
}

interface ServerParts {
  readonly directory: RunDirectory;
  readonly runId: string;
  readonly handler: ControlHandler;
  readonly clock: Clock;
}

const failed = (error: unknown): ControlAnswer => {
  const { code, message, hint } = errorToWire(error);
  return { version: CONTROL_VERSION, ok: false, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
};

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });

class SocketServer implements ControlServer {
  readonly #parts: ServerParts;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answering = new Set<Promise<void>>();
  #path: string | null = null;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
    // The run decides how long the process lives.
    this.#server.unref();
  }

  get path(): string | null {
    return this.#path;
  }

  /** Listens at the first place that works, and writes down where. @throws the last place's failure */
  async open(): Promise<void> {
    let failure: unknown = null;
    for (const path of socketPlaces(this.#parts.directory)) {
      try {
        await listen(this.#server, path);
        // The directory already keeps others out; this keeps them out of a directory that is opened later.
        chmodSync(path, 0o600);
        writeAddress(this.#parts.directory, path, null);
        this.#path = path;
        this.#server.on('error', () => {
          // A connection that could not be accepted: its client sees that.
        });
        return;
      } catch (error) {
        failure = error;
        removeSocket(path);
      }
    }
    throw failure;
  }

  async close(): Promise<void> {
    if (this.#path === null) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all(this.#answering);
    for (const socket of this.#sockets) socket.destroySoon();
    // A client that does not read its answer is not waited for.
    const timer = this.#parts.clock.after(REQUEST_DEADLINE_MS, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    timer.cancel();
    removeSocket(this.#path);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new LineReader(REQUEST_BYTES_MAX);
    const deadline = this.#parts.clock.after(REQUEST_DEADLINE_MS, () => socket.destroy());
    let taken = false;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      deadline.cancel();
      this.#sockets.delete(socket);
    });
    socket.on('end', () => {
      if (!taken) socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      if (taken) return;
      const answer = this.#take(reader, chunk);
      if (answer === null) return;
      taken = true;
      deadline.cancel();
      const answered = answer.then((message) => void socket.end(lineOf(message)));
      this.#answering.add(answered);
      void answered.finally(() => this.#answering.delete(answered));
    });
  }

  /** The answer to come, once the request is whole. */
  #take(reader: LineReader, chunk: Buffer): Promise<ControlAnswer> | null {
    try {
      const line = reader.add(chunk);
      return line === null ? null : this.#answer(parseRequest(line)).catch(failed);
    } catch (error) {
      return Promise.resolve(failed(error));
    }
  }

  async #answer(request: ControlRequest): Promise<ControlAnswer> {
    const { handler, runId } = this.#parts;
    const done = (ending: ControlEnding | null, { answers, decided }: Told = { answers: [] }): ControlAnswer => ({
      version: CONTROL_VERSION,
      ok: true,
      runId,
      ending,
      ...(answers.length === 0 ? {} : { answers: [...answers] }),
      ...(decided === undefined ? {} : { decided }),
    });
    switch (request.command) {
      case 'tell':
        return done(null, await this.#withDeadline(handler.tell(request.agent, request.text)));
      case 'pause':
      case 'stop':
        return done(handler.end(request.command));
      default:
        return request satisfies never;
    }
  }

  async #withDeadline<Value>(work: Promise<Value>): Promise<Value> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.#parts.clock.after(ANSWER_DEADLINE_MS, () =>
      reject(new MegactorError('SERVICE_TIMEOUT', 'the run did not take the message in time; it may still arrive')),
    );
    try {
      return await Promise.race([work, promise]);
    } finally {
      timer.cancel();
    }
  }
}

/**
 * Opens the control socket of a run whose lease this process holds. A socket that cannot be opened does not fail the
 * run: why is written down for those who look for it.
 */
export const startControlServer = async (parts: ServerParts): Promise<ControlServer> => {
  const server = new SocketServer(parts);
  try {
    await server.open();
  } catch (error) {
    try {
      writeAddress(parts.directory, null, error instanceof Error ? error.message : String(error));
    } catch {
      // Then those who look find nothing at all.
    }
  }
  return server;
};
