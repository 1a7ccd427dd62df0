/** The `fetch` over a pool: whole and streamed bodies, their ends, and the parts of undici that it is made of. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as undici from 'undici';
import requestByPath from 'undici/lib/api/api-request.js';
import PoolByPath from 'undici/lib/dispatcher/pool.js';
import DecoratorByPath from 'undici/lib/handler/decorator-handler.js';
import { afterEach, expect, test } from 'vitest';
import { createPoolFetch, type PoolFetch } from '../../src/model/pool-fetch.ts';
import { ANSWER_BYTES_MAX } from '../../src/model/whole-exchange.ts';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const serve = async (handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
};

const fetchFor = (url: string, connections?: number): PoolFetch['fetch'] => {
  const pool = createPoolFetch(new URL(url).origin, connections === undefined ? {} : { connections });
  closers.push(() => pool.close());
  return pool.fetch;
};

test('streams piece by piece', async () => {
  const { promise: begun, resolve } = Promise.withResolvers<ServerResponse>();
  const url = await serve((_incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('1');
    resolve(response);
  });
  const response = await fetchFor(url)(url);
  expect(response.ok).toBe(true);
  const reader = response.body?.getReader();
  const piece = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(await piece()).toBe('1');
  const answer = await begun;
  answer.write('2');
  expect(await piece()).toBe('2');
  answer.end('3');
  expect(await piece()).toBe('3');
  expect((await reader?.read())?.done).toBe(true);
});

test('a cancelled stream that then breaks does not hurt the process', async () => {
  const url = await serve((incoming, response) => {
    response.writeHead(200).write('x'.repeat(100_000));
    setTimeout(() => incoming.socket.destroy(new Error('broken')), 30);
  });
  const response = await fetchFor(url)(url);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await new Promise((resolve) => setTimeout(resolve, 80));
});

test('a large body arrives whole, a slow reader holds it back', async () => {
  const size = 4_000_000;
  const url = await serve((_incoming, response) => response.end(Buffer.alloc(size, 'y')));
  const response = await fetchFor(url)(url);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await response.arrayBuffer()).byteLength).toBe(size);
});

test('a body without end is read no further than its bound', async () => {
  let closed = false;
  const piece = Buffer.alloc(ANSWER_BYTES_MAX / 8, 'y');
  const url = await serve((_incoming, response) => {
    const more = (): void => {
      if (!closed && response.write(piece)) setImmediate(more);
    };
    response.on('drain', more);
    response.on('close', () => (closed = true));
    more();
  });
  const response = await fetchFor(url)(url);
  await expect(response.arrayBuffer()).rejects.toMatchObject({ code: 'MODEL_BAD_RESPONSE' });
  await expect.poll(() => closed).toBe(true);
});

test('no content, other origins', async () => {
  const url = await serve((_incoming, response) => response.writeHead(204).end());
  const fetch = fetchFor(url);
  expect((await fetch(url)).status).toBe(204);
  await expect(fetch('http://other.invalid/')).rejects.toThrow(TypeError);
});

test('the parts of undici that are imported by path are those of the whole', async () => {
  expect(PoolByPath).toBe(undici.Pool);
  expect(DecoratorByPath).toBe(undici.DecoratorHandler);
  const url = await serve((_incoming, response) => response.end('whole'));
  const pool = new PoolByPath(new URL(url).origin);
  closers.push(() => pool.destroy());
  const answer = await requestByPath.call(pool, { path: '/', method: 'GET' });
  expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'whole']);
});

test('who asks is told when the request goes to a socket, not while it waits for one', async () => {
  const waiting: ServerResponse[] = [];
  const url = await serve((_incoming, response) => waiting.push(response));
  const fetch = fetchFor(url, 1);
  const sent: string[] = [];
  const first = fetch(url, { onSent: () => sent.push('first') });
  const second = fetch(url, { onSent: () => sent.push('second') });
  await expect.poll(() => waiting.length).toBe(1);
  expect(sent).toEqual(['first']);
  waiting[0]?.end('1');
  expect(await (await first).text()).toBe('1');
  await expect.poll(() => waiting.length).toBe(2);
  expect(sent).toEqual(['first', 'second']);
  waiting[1]?.end('2');
  expect(await (await second).text()).toBe('2');
});
