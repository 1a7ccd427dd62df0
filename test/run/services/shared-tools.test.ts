import { expect, test } from 'vitest';
import type { ChatRequest, ToolSpec } from '../../../src/model/index.ts';
import { SharedTools } from '../../../src/run/services/shared-tools.ts';

const tool = (name: string): ToolSpec => ({
  type: 'function',
  function: { name, description: `Does ${name}.`, parameters: { type: 'object' } },
});

const request = (...names: string[]): ChatRequest => ({
  agent: 'A',
  run: 'r',
  level: 2,
  messages: [{ role: 'user', content: 'user: hello' }],
  tools: names.map(tool),
});

test('requests with the same tools share them, and are else as they were', () => {
  const shared = new SharedTools();
  const first = shared.share(request('talk', 'step'));
  const second = shared.share(request('talk', 'step'));
  expect(second).toEqual(request('talk', 'step'));
  expect(second.tools).toBe(first.tools);
  const other = shared.share(request('step', 'talk'));
  expect(other.tools).not.toBe(first.tools);
  expect(other).toEqual(request('step', 'talk'));
  expect(shared.share(request()).tools).toEqual([]);
});
