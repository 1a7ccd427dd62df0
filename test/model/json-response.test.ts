import { expect, test } from 'vitest';
import { isWholeJson, jsonResponse } from '../../src/model/json-response.ts';

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'x-request-id': 'r1',
  'set-cookie': ['a=1', 'b=2'],
};

test('reads like a Response that came whole', async () => {
  const plain = jsonResponse('http://host/v1', HEADERS, '{"a":[1]}');
  const real = new Response('{"a":[1]}', {
    headers: Object.entries(HEADERS).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
    ),
  });
  for (const name of ['Content-Type', 'x-request-id', 'x-none']) {
    expect(plain.headers.get(name)).toBe(real.headers.get(name));
    expect(plain.headers.has(name)).toBe(real.headers.has(name));
  }
  expect([plain.ok, plain.status, plain.statusText, plain.type]).toEqual([real.ok, real.status, '', real.type]);
  expect(plain.url).toBe('http://host/v1');
  expect(await plain.json()).toEqual(await real.clone().json());
  expect(await plain.text()).toBe(await real.text());
  expect([...plain.headers.entries()].map(([name]) => name).toSorted()).toEqual(Object.keys(HEADERS).toSorted());
});

test('what is no JSON fails as a Response does', async () => {
  await expect(jsonResponse('http://host/', HEADERS, '<html>').json()).rejects.toThrow(SyntaxError);
});

test.each([
  [200, 'application/json', true],
  [200, 'text/event-stream', false],
  [200, undefined, false],
  [429, 'application/json', false],
  [204, 'application/json', false],
])('status %i and type %s: whole %s', (status, type, whole) => {
  expect(isWholeJson(status, { 'content-type': type })).toBe(whole);
});
