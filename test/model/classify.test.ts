import { describe, expect, test } from 'vitest';
import { classifyCompletion } from '../../src/model/classify.ts';
import type { AnswerClass } from '../../src/model/types.ts';

const context = { model: 'fallback', synthetic: false, latencyMs: 7, idSeed: 'Health/3' };
const call = (args: unknown, extra: object = {}) => ({
  id: 'c1',
  function: { name: 'talk', arguments: args },
  ...extra,
});
const completion = (message: object, finish: string | null = 'stop', rest: object = {}) => ({
  model: 'm',
  choices: [{ message, finish_reason: finish }],
  ...rest,
});
const classify = (raw: unknown) => classifyCompletion(raw, context);

describe('the class of an answer', () => {
  const table: [string, AnswerClass, unknown][] = [
    ['a tool call', 'tools', completion({ content: null, tool_calls: [call('{"a":1}')] }, 'tool_calls')],
    ['a tool call with text beside it', 'tools', completion({ content: 'so', tool_calls: [call('{}')] })],
    ['arguments as an object', 'tools', completion({ tool_calls: [call({ a: 1 })] }, 'tool_calls')],
    ['empty arguments', 'tools', completion({ tool_calls: [call('')] }, 'tool_calls')],
    ['no arguments at all', 'tools', completion({ tool_calls: [{ id: 'a', function: { name: 'talk' } }] })],
    [
      'the old function_call',
      'tools',
      completion({ function_call: { name: 'talk', arguments: '{}' } }, 'function_call'),
    ],
    ['broken arguments', 'bad-json', completion({ tool_calls: [call('{"a":')] }, 'tool_calls')],
    ['one broken call of two', 'bad-json', completion({ tool_calls: [call('{}'), call('x')] }, 'tool_calls')],
    ['arguments that are a list', 'bad-json', completion({ tool_calls: [call('[1]')] }, 'tool_calls')],
    ['a call without a name', 'bad-json', completion({ tool_calls: [{ id: 'a', function: { arguments: '{}' } }] })],
    ['arguments cut off', 'truncated', completion({ tool_calls: [call('{"a":')] }, 'length')],
    ['whole arguments at the limit', 'tools', completion({ tool_calls: [call('{}')] }, 'length')],
    ['text', 'prose', completion({ content: 'Hello' })],
    [
      'text in parts',
      'prose',
      completion({
        content: [
          { type: 'text', text: 'Hel' },
          { type: 'text', text: 'lo' },
        ],
      }),
    ],
    ['text cut off', 'truncated', completion({ content: 'Hel' }, 'length')],
    ['nothing at the limit', 'truncated', completion({ content: null }, 'length')],
    ['null content', 'empty', completion({ content: null })],
    ['no content', 'empty', completion({})],
    ['white space', 'empty', completion({ content: ' \n ' })],
    ['an empty list of calls', 'empty', completion({ content: '', tool_calls: [] })],
    ['a refusal', 'refusal', completion({ content: null, refusal: 'No.' })],
    ['a refusal as a part', 'refusal', completion({ content: [{ type: 'refusal', refusal: 'No.' }] })],
    ['a filter', 'filtered', completion({ content: 'He' }, 'content_filter')],
    ['an unknown finish reason', 'prose', completion({ content: 'Hello' }, null)],
  ];
  test.each(table)('%s is %s', (_name, expected, raw) => {
    expect(classify(raw).class).toBe(expected);
  });
});

describe('what is missing or odd', () => {
  test('usage: missing, null, partly there', () => {
    const zero = { input: 0, cachedInput: 0, output: 0, unsaid: true };
    expect(classify(completion({ content: 'a' })).usage).toEqual(zero);
    expect(classify(completion({ content: 'a' }, 'stop', { usage: null })).usage).toEqual(zero);
    expect(classify(completion({ content: 'a' }, 'stop', { usage: { prompt_tokens: 'x' } })).usage).toEqual(zero);
    const usage = { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 5 } };
    expect(classify(completion({ content: 'a' }, 'stop', { usage })).usage).toEqual({
      input: 9,
      cachedInput: 5,
      output: 4,
    });
    const details = { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: null };
    expect(classify(completion({ content: 'a' }, 'stop', { usage: details })).usage.cachedInput).toBe(0);
  });

  test('ids: made up, unique, the same every time', () => {
    const raw = completion({ tool_calls: [call('{}', { id: null }), call('{}', { id: '' }), call('{}'), call('{}')] });
    const ids = classify(raw).toolCalls.map((one) => one.id);
    expect(new Set(ids).size).toBe(4);
    expect(ids[2]).toBe('c1');
    expect(classify(raw).toolCalls.map((one) => one.id)).toEqual(ids);
    const elsewhere = classifyCompletion(raw, { ...context, idSeed: 'Health/5' }).toolCalls.map((one) => one.id);
    expect(elsewhere[0]).not.toBe(ids[0]);
  });

  test('content in parts is joined, the model falls back, finish reasons are mapped', () => {
    const answer = classify({
      choices: [{ message: { content: ['a', { type: 'text', text: 'b' }, { type: 'image' }] }, finish_reason: 'eos' }],
    });
    expect(answer).toMatchObject({ content: 'ab', model: 'fallback', finishReason: 'stop', latencyMs: 7, attempts: 1 });
    expect(classify(completion({ content: 'a' }, 'weird')).finishReason).toBe('unknown');
  });

  test.each([
    ['null', null],
    ['text', 'upstream error'],
    ['no choices', { choices: [] }],
    ['no message', { choices: [{ finish_reason: 'stop' }] }],
    ['an error with status 200', { error: { message: 'boom' } }],
    ['content that is a number', completion({ content: 4 })],
  ])('%s is MODEL_BAD_RESPONSE', (_name, raw) => {
    expect(() => classify(raw)).toThrow(expect.objectContaining({ code: 'MODEL_BAD_RESPONSE' }) as Error);
  });
});
