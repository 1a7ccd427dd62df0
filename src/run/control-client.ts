/**
 * Asks a live run for something over its control socket. What it does not do: find out whether the run is live, or wait
 * for what was asked to be over.
 *
 * Invariants: K1 Every call settles: with the run's answer, with its error, or with RUN_UNREACHABLE.
 */
import { createConnection } from 'node:net';
import { systemClock, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { readAddress, socketPathOf } from './control-address.ts';
import {
  ANSWER_BYTES_MAX,
  ANSWER_DEADLINE_MS,
  lineOf,
  LineReader,
  parseAnswer,
  REQUEST_DEADLINE_MS,
  type ControlRequest,
  type ControlSuccess,
} from './control-protocol.ts';
import type { RunDirectory } from './run-directory.ts';

const unreachable = (message: string, hint?: string): MegactorError =>
  new MegactorError('RUN_UNREACHABLE', message, { hint });

/** One line out, one line back. @param path of the socket */
export const exchange = (
  path: string,
  line: string,
  options: { readonly deadlineMs: number; readonly clock: Clock },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new LineReader(ANSWER_BYTES_MAX);
    const socket = createConnection({ path, allowHalfOpen: true });
    const settle = (act: () => void): void => {
      timer.cancel();
      socket.destroy();
      act();
    };
    const timer = options.clock.after(
      options.deadlineMs,
      () => settle(() => reject(unreachable(`the run did not answer within ${options.deadlineMs / 1_000} s`))),
      { keepAlive: true },
    );
    socket.on('connect', () => void socket.end(line));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle(() => reject(unreachable(`the run cannot be reached at ${path} (${error.code ?? error.message})`))),
    );
    socket.on('end', () => settle(() => reject(unreachable('the run went away before it answered'))));
    socket.on('data', (chunk: Buffer) => {
      try {
        const answer = reader.add(chunk);
        if (answer !== null) settle(() => resolve(answer));
      } catch (error) {
        settle(() => reject(error));
      }
    });
  });

/**
 * @throws RUN_UNREACHABLE when nobody answers there, and what the run answers: USAGE, AGENT_NOT_FOUND, RUN_NOT_RUNNING,
 * RUN_FORMAT …
 */
export const askRun = async (
  directory: RunDirectory,
  request: ControlRequest,
  clock: Clock = systemClock,
): Promise<ControlSuccess> => {
  const address = readAddress(directory);
  if (address === null) throw unreachable(`${directory.path} does not say where its run can be reached`);
  if (address.socket === null) {
    throw unreachable(
      `this run cannot be steered: ${address.error ?? 'it has no control socket'}`,
      `Ctrl-C or SIGTERM pauses it; its process id is ${address.pid}.`,
    );
  }
  const path = socketPathOf(directory, address.socket);
  const deadlineMs = REQUEST_DEADLINE_MS + ANSWER_DEADLINE_MS;
  return parseAnswer(await exchange(path, lineOf(request), { deadlineMs, clock }));
};
