/** Requests are laid out for caches of prompts: what an agent's next request shares with its last, and agents with each other. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatRequest } from '../../src/model/types.ts';
import { play } from './rehearsed.ts';

/** The hash of each beginning of a request: of its tools and no message, of one, of two … */
const prefixes = ({ tools, messages }: Pick<ChatRequest, 'tools' | 'messages'>): string[] => {
  const hash = createHash('sha256').update(JSON.stringify(tools));
  return [
    hash.copy().digest('hex'),
    ...messages.map((message) => hash.update(JSON.stringify(message)).copy().digest('hex')),
  ];
};

const isSituation = (message: ChatMessage | undefined): boolean =>
  message?.role === 'user' && message.content.startsWith('(situation)');

/** Without the one message that changes with every call. */
const lasting = (request: ChatRequest): Pick<ChatRequest, 'tools' | 'messages'> => {
  const { tools, messages } = request;
  return { tools, messages: isSituation(messages.at(-1)) ? messages.slice(0, -1) : messages };
};

const byAgent = (requests: readonly ChatRequest[]): ReadonlyMap<string, readonly ChatRequest[]> => {
  const agents = new Map<string, ChatRequest[]>();
  for (const request of requests) agents.set(request.agent, [...(agents.get(request.agent) ?? []), request]);
  return agents;
};

const commonPrefix = (texts: readonly string[]): number => {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const other of others) {
    let at = 0;
    while (at < length && first[at] === other[at]) at += 1;
    length = at;
  }
  return length;
};

describe('over a whole rehearsed run', async () => {
  const failures = { badJson: 0.03, prose: 0.03, refusal: 0.02, silence: 0.02, unfinished: 0.02 };
  const { requests } = await play(24, { failures });

  test('P2 the next request of an agent begins with all of its last one but the situation', () => {
    let steps = 0;
    for (const own of byAgent(requests).values()) {
      for (const [index, next] of own.slice(1).entries()) {
        const before = prefixes(lasting(own[index] as ChatRequest));
        expect(prefixes(lasting(next)).slice(0, before.length)).toEqual(before);
        steps += 1;
      }
    }
    expect(steps).toBeGreaterThan(60);
  });

  test('P2 the situation comes last and nowhere else', () => {
    for (const { messages } of requests) expect(messages.slice(0, -1).filter(isSituation)).toEqual([]);
  });

  test('P1 the agents of a level share their tools and the beginning of their prompts', () => {
    const levels = new Map<string, ChatRequest[]>();
    for (const own of byAgent(requests).values()) {
      const [first] = own;
      if (first?.role !== undefined) levels.set(first.role, [...(levels.get(first.role) ?? []), first]);
    }
    expect([...levels.keys()].sort()).toEqual(['admin', 'boss', 'ordinary']);
    for (const [level, requestsOf] of levels) {
      if (level !== 'boss') expect(requestsOf.length).toBeGreaterThan(1);
      const prompts = requestsOf.map(({ messages }) => messages[0]?.content ?? '');
      const own = prompts[0]?.indexOf('- name: ') ?? -1;
      // Caches of providers begin at some thousand characters.
      expect(JSON.stringify(requestsOf[0]?.tools).length + own).toBeGreaterThanOrEqual(3_000);
      expect(commonPrefix(prompts)).toBeGreaterThanOrEqual(own);
      expect(new Set(requestsOf.map(({ tools }) => JSON.stringify(tools))).size).toBe(1);
    }
  });
});
