/**
 * A load generator in a process of its own: sends chat completions over plain sockets, one request at a time on each,
 * and counts whole answers with status 200. It does not read what they say: parsing HTTP and JSON here would cost as much
 * as it does in the server that is measured.
 *
 * Started with one argument, JSON: `{"url","connections","warmUpMs","durationMs","serverPid"}`. Its last line:
 * `{"answers","seconds","refused","requestBytes","serverProcessorMs"}`, of the time after the warm-up.
 */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { processorMs } from '../harness/proc.ts';

const settingsSchema = z.strictObject({
  url: z.url(),
  connections: z.int().min(1).max(1_024),
  warmUpMs: z.int().nonnegative(),
  durationMs: z.int().positive(),
  serverPid: z.int().positive(),
});

export const loadResultSchema = z.strictObject({
  answers: z.int(),
  seconds: z.number(),
  refused: z.int(),
  requestBytes: z.number(),
  serverProcessorMs: z.number().nullable(),
});

export type LoadSettings = z.infer<typeof settingsSchema>;
export type LoadResult = z.infer<typeof loadResultSchema>;

const HEADERS_END = '\r\n\r\n';
const TOOL = {
  type: 'function',
  function: {
    name: 'step',
    description: 'Takes the next step.',
    parameters: { type: 'object', properties: { i: { type: 'integer' } }, required: ['i'] },
  },
};

/** The second call of one agent: its prompt, its first step and the result of that. */
const requestOf = (host: string, agent: string): { readonly text: string; readonly bodyBytes: number } => {
  const body = JSON.stringify({
    model: 'rehearsal',
    messages: [
      {
        role: 'system',
        content: `You are ${agent}. ${'Take one step after another, then say that you are done. '.repeat(20)}`,
      },
      { role: 'user', content: 'user: Begin.' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'step', arguments: '{"i":1}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '{"ok":true}' },
    ],
    tools: [TOOL],
  });
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'authorization: Bearer none',
    `x-agent-id: ${agent}`,
  ];
  return { text: `${head.join('\r\n')}${HEADERS_END}${body}`, bodyBytes: Buffer.byteLength(body) };
};

/** Sends `request` again and again on one socket. @param onAnswer gets the status of every whole answer */
const keepAsking = (socket: Socket, request: string, onAnswer: (status: number) => void): void => {
  let pending = '';
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.on('data', (chunk: string) => {
    pending += chunk;
    const headEnd = pending.indexOf(HEADERS_END);
    if (headEnd === -1) return;
    const length = Number(/content-length: (\d+)/iu.exec(pending)?.[1] ?? Number.NaN);
    if (!Number.isInteger(length)) throw new Error(`an answer without a length: ${pending.slice(0, 200)}`);
    if (pending.length < headEnd + HEADERS_END.length + length) return;
    const status = Number(pending.slice(9, 12));
    pending = '';
    onAnswer(status);
    socket.write(request, 'latin1');
  });
  socket.write(request, 'latin1');
};

const connected = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    socket.once('error', reject);
  });

const load = async (settings: LoadSettings): Promise<LoadResult> => {
  const { hostname, port, host } = new URL(settings.url);
  const sockets = await Promise.all(
    Array.from({ length: settings.connections }, () => connected(hostname, Number(port))),
  );
  let answers = 0;
  let refused = 0;
  let bodyBytes = 0;
  sockets.forEach((socket, index) => {
    const request = requestOf(host, `Agent-${index + 1}`);
    ({ bodyBytes } = request);
    keepAsking(socket, request.text, (status) => {
      if (status === 200) answers += 1;
      else refused += 1;
    });
  });
  await systemClock.sleep(settings.warmUpMs);
  answers = refused = 0;
  const processorBefore = processorMs(settings.serverPid);
  const startedAt = systemClock.monotonic();
  await systemClock.sleep(settings.durationMs);
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  const processorAfter = processorMs(settings.serverPid);
  const result = { answers, refused, seconds };
  for (const socket of sockets) socket.destroy();
  return {
    ...result,
    requestBytes: bodyBytes,
    serverProcessorMs: processorBefore === null || processorAfter === null ? null : processorAfter - processorBefore,
  };
};

if (import.meta.main) {
  process.channel?.unref();
  process.on('disconnect', () => process.exit(1));
  const result = await load(settingsSchema.parse(JSON.parse(process.argv[2] ?? '')));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
