/** A chat-completions server on loopback whose every answer a test writes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedRequest {
  readonly agent: string;
  readonly body: {
    readonly messages: readonly { role: string; content: unknown }[];
    readonly tools?: readonly unknown[];
  };
}

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body; or what the assistant says, for a completion. */
  readonly raw?: unknown;
  readonly content?: string | null;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: string }[];
}

export interface ScriptedServer {
  readonly baseUrl: string;
  readonly requests: readonly ScriptedRequest[];
  stop(): Promise<void>;
}

let calls = 0;

const completion = (answer: ScriptedAnswer): unknown => ({
  id: 'scripted',
  object: 'chat.completion',
  created: 0,
  model: 'scripted',
  choices: [
    {
      index: 0,
      finish_reason: answer.toolCalls === undefined ? 'stop' : 'tool_calls',
      message: {
        role: 'assistant',
        content: answer.content ?? null,
        ...(answer.toolCalls === undefined
          ? {}
          : {
              tool_calls: answer.toolCalls.map((call) => ({
                id: `call_${(calls += 1)}`,
                type: 'function',
                function: call,
              })),
            }),
      },
    },
  ],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

export const startScriptedServer = async (
  script: (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>,
): Promise<ScriptedServer> => {
  const requests: ScriptedRequest[] = [];
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
    incoming.on('end', () => {
      const request = {
        agent: String(incoming.headers['x-agent-id'] ?? ''),
        body: JSON.parse(text || '{}') as ScriptedRequest['body'],
      };
      requests.push(request);
      void Promise.resolve(script(request)).then((answer) => {
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        response.end(JSON.stringify(answer.raw ?? completion(answer)));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
