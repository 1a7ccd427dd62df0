import { expect, test } from 'vitest';
import type { ChatRequest, ToolSpec } from '../../src/model/index.ts';
import { ArrivingRequests, onWire, toolText } from '../../src/model/request-wire.ts';

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

test('requests with the same tools share them, and arrive as they left', () => {
  const arriving = new ArrivingRequests();
  const sent = onWire(request('talk', 'step'));
  expect(sent.tools).toBeTypeOf('string');
  const first = arriving.receive(sent);
  expect(first).toEqual(request('talk', 'step'));
  // Also when they came as a list.
  for (const again of [onWire(request('talk', 'step')), request('talk', 'step')]) {
    expect(arriving.receive(again).tools).toBe(first.tools);
  }
  expect(toolText(first.tools)).toBe(sent.tools);
  const other = arriving.receive(onWire(request('step', 'talk')));
  expect(other).toEqual(request('step', 'talk'));
  expect(arriving.receive(onWire(request())).tools).toEqual([]);
});
