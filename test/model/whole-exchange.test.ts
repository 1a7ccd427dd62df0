import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createPoolFetch, type PoolFetch } from '../../src/model/pool-fetch.ts';
import { ANSWER_BYTES_MAX, headerOf } from '../../src/model/whole-exchange.ts';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const poolFor = async (
  answer: (response: ServerResponse, body: string) => void,
  connections?: number,
): Promise<PoolFetch> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = createPoolFetch(origin, connections === undefined ? {} : { connections });
  closers.push(() => pool.close());
  return pool;
};

const request = { path: '/v1?a=b', headers: ['content-type', 'application/json', 'x-agent-id', 'A'], body: '"é…"' };

test('a text in pieces comes whole, with status and headers', async () => {
  const bytes = Buffer.from('{"said":"grüße 😀"}');
  const seen: string[] = [];
  const pool = await poolFor((response, body) => {
    seen.push(body, response.req.url ?? '', String(response.req.headers['x-agent-id']));
    response.writeHead(418, { 'X-Limit': ['a', 'b'] });
    // In the middle of a character.
    response.write(bytes.subarray(0, 12));
    setTimeout(() => response.end(bytes.subarray(12)), 10);
  });
  const answer = await pool.post(request).answer;
  expect(seen).toEqual(['"é…"', '/v1?a=b', 'A']);
  expect(answer).toMatchObject({ status: 418, text: bytes.toString() });
  expect(headerOf(answer.headers, 'x-limit')).toBe('a, b');
  expect(headerOf(answer.headers, 'x-none')).toBeNull();
});

test('a byte order mark is none of the text', async () => {
  const pool = await poolFor((response) => response.end('\uFEFF{"a":1}'));
  expect((await pool.post(request).answer).text).toBe('{"a":1}');
});

test('what is cut off before it has a socket is not sent', async () => {
  const waiting: ServerResponse[] = [];
  const pool = await poolFor((response) => waiting.push(response), 1);
  let sent = 0;
  const onSent = (): void => void (sent += 1);
  const first = pool.post({ ...request, onSent });
  const second = pool.post({ ...request, body: '"second"', onSent });
  const third = pool.post({ ...request, body: '"third"', onSent });
  await expect.poll(() => waiting.length).toBe(1);
  second.cut();
  await expect(second.answer).rejects.toMatchObject({ code: 'ABORTED' });
  waiting[0]?.end('{}');
  await expect(first.answer).resolves.toMatchObject({ status: 200 });
  await expect.poll(() => waiting.length).toBe(2);
  waiting[1]?.end('{}');
  await expect(third.answer).resolves.toMatchObject({ status: 200 });
  expect(sent).toBe(2);
});

test('a cut in the middle of an answer ends it, and again changes nothing', async () => {
  let closed = false;
  const pool = await poolFor((response) => {
    response.on('close', () => (closed = true));
    response.write('{"half":');
  });
  let sent = false;
  const exchange = pool.post({ ...request, onSent: () => (sent = true) });
  await expect.poll(() => sent).toBe(true);
  exchange.cut();
  exchange.cut();
  await expect(exchange.answer).rejects.toMatchObject({ code: 'ABORTED' });
  await expect.poll(() => closed).toBe(true);
});

test('a header that cannot be sent, and a closed pool, are failures', async () => {
  const pool = await poolFor((response) => response.end('{}'));
  const wrong = pool.post({ ...request, headers: ['x-agent-id', 'a\nb'] });
  await expect(wrong.answer).rejects.toThrow(TypeError);
  await pool.close();
  await expect(pool.post(request).answer).rejects.toThrow(TypeError);
});

test('an answer without end is read no further than its bound', async () => {
  let closed = false;
  const piece = Buffer.alloc(ANSWER_BYTES_MAX / 8, ' ');
  const pool = await poolFor((response) => {
    const more = (): void => {
      if (!closed && response.write(piece)) setImmediate(more);
    };
    response.on('drain', more);
    response.on('close', () => (closed = true));
    more();
  });
  await expect(pool.post(request).answer).rejects.toMatchObject({ code: 'MODEL_BAD_RESPONSE' });
  await expect.poll(() => closed).toBe(true);
});
