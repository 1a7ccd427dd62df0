/**
 * The rehearsal behind `node:http`, with a record that outlives every process of the run: which agent asked what, when.
 * A request that arrived whole is answered and counts as paid for, whether or not its sender lives to read the answer.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseRehearsalOptions, rehearse } from '../../src/model/index.ts';

export interface PaidAnswer {
  readonly agent: string;
  /** Names the call: the same step of the same agent gives the same request, but for the view of its group. */
  readonly call: string;
}

export interface RecordingServer {
  readonly baseUrl: string;
  /** In the order in which the requests arrived. */
  readonly paid: readonly PaidAnswer[];
  /** Requests that the rehearsal refused; there should be none. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

interface Body {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** The view of the group is rebuilt for every call, so that it may differ when a call is made again. */
const isSituation = ({ role, content }: Body['messages'][number]): boolean =>
  role === 'user' && typeof content === 'string' && content.startsWith('(situation)');

const callOf = ({ messages }: Body): string =>
  createHash('sha256')
    .update(JSON.stringify(messages.filter((message) => !isSituation(message))))
    .digest('hex');

export const startRecordingServer = async (options: {
  readonly rehearsal: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly latencyMs: number;
}): Promise<RecordingServer> => {
  const rehearsal = parseRehearsalOptions({ ...options.rehearsal, latencyMs: 0 }, options.seed);
  const paid: PaidAnswer[] = [];
  const refused: string[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    // A sender that was killed before its request was complete has bought nothing.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('end', () => {
      const body = JSON.parse(text) as Body;
      const outcome = rehearse({ headers: request.headers, body }, rehearsal);
      if (outcome.kind === 'completion') paid.push({ agent: outcome.agent, call: callOf(body) });
      else refused.push(JSON.stringify(outcome));
      const answer = outcome.kind === 'completion' ? outcome.body : { error: { message: 'refused' } };
      setTimeout(() => {
        response.writeHead(outcome.kind === 'completion' ? 200 : 500, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer));
      }, options.latencyMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    paid,
    refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
