/** A call whose answer is wanted whole looks to the server like one that the SDK sends. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createOpenAiModel } from '../../src/model/openai.ts';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0).reverse()) await close();
});

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What a server sees of a call without and with the SDK. @param base what follows the origin */
const bothWays = async (base: string, apiKey?: string): Promise<[whole: Seen, streamed: Seen]> => {
  const seen: Seen[] = [];
  const choice = { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' };
  const server = createServer((request, response) => {
    seen.push({ url: request.url, headers: request.headers });
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices: [choice] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`;
  const key = apiKey === undefined ? {} : { apiKey };
  const model = createOpenAiModel({ model: 'tiny', baseUrl, environment: {}, ...key });
  closers.push(() => model.close());
  const request = { agent: 'a', run: 'r', level: 2, messages: [{ role: 'user' as const, content: 'Hi' }], tools: [] };
  const { signal } = new AbortController();
  await model.complete(request, signal);
  await model.complete(request, signal, { onDelta: () => undefined });
  const [whole, streamed] = seen;
  if (whole === undefined || streamed === undefined) throw new Error('the server saw no two calls');
  return [whole, streamed];
};

/** What the SDK says of itself, and what differs with the body. */
const kept = ({ url, headers }: Seen): unknown => ({
  url,
  headers: Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-stainless-') && name !== 'content-length'),
  ),
});

describe('a call without the SDK', () => {
  test.each([
    ['/v1', 'sk-0123456789'],
    ['/v1/', undefined],
    ['', 'sk-0123456789'],
    ['/openai/deployments/small?api-version=2', 'sk-0123456789'],
  ])('has the path and the headers of one of the SDK, at %j with key %s', async (base, apiKey) => {
    const [whole, streamed] = await bothWays(base, apiKey);
    expect(kept(whole)).toEqual(kept(streamed));
    expect(whole.headers['authorization']).toBe(apiKey === undefined ? undefined : `Bearer ${apiKey}`);
    expect(whole.headers['user-agent']).toBe('megactor');
  });

  test.each([
    ['OPENAI_ORG_ID', 'org-7', 'openai-organization', 'org-7'],
    ['OPENAI_PROJECT_ID', 'proj-7', 'openai-project', 'proj-7'],
    ['OPENAI_CUSTOM_HEADERS', 'x-team: seven', 'x-team', 'seven'],
  ])('has the header that the SDK makes of %s', async (name, value, header, expected) => {
    vi.stubEnv(name, value);
    const [whole, streamed] = await bothWays('/v1', 'sk-0123456789');
    expect(whole.headers[header]).toBe(expected);
    expect(kept(whole)).toEqual(kept(streamed));
  });
});
