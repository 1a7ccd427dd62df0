/**
 * The services of a run as the compiler knows them. The assertions on types are checked by `npm run typecheck`; running this
 * file proves that nobody calls a service in a way that the compiler does not check.
 */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  EMBEDDING_MODEL,
  LOCAL_EMBEDDER,
  MEMORY,
  memoryOf,
  MODEL,
  ROSTER,
  SANDBOX,
  WORKSPACE,
  type ModelMethods,
} from '../../actors/run-services.ts';
import type { ActorContext } from '../../src/actor/index.ts';
import type { ChatRequest, ServedAnswer } from '../../src/model/index.ts';
import type { ServiceInstance } from '../../src/protocol/service.ts';
import type { ActorSystem } from '../../src/runtime/index.ts';
import type { AgentLookup, GroupView, RosterSummary } from '../../src/society/index.ts';
import { filesUnder, readSource } from '../style/tree.ts';

/** Nothing of this is called. */
const never = (use: (given: { system: ActorSystem; ctx: ActorContext; request: ChatRequest }) => unknown): void =>
  void use;

describe('services of a run', () => {
  test('are called with what they take, and answer what they do', () => {
    never(({ system, ctx, request }) => {
      expectTypeOf(system.callService(ROSTER, 'summary', {})).resolves.toEqualTypeOf<RosterSummary>();
      expectTypeOf(system.callService(ROSTER, 'find', { agent: 'A' })).resolves.toEqualTypeOf<AgentLookup>();
      expectTypeOf(ctx.service(ROSTER, 'group', { agent: 'A' })).resolves.toEqualTypeOf<GroupView | null>();
      expectTypeOf(ctx.service(MODEL, 'complete', request)).resolves.toEqualTypeOf<ServedAnswer>();
      // @ts-expect-error the name of a field
      void ctx.service(ROSTER, 'group', { name: 'A' });
      // @ts-expect-error a field that nobody reads
      void ctx.service(ROSTER, 'failed', { agent: 'A', why: 'crash', detail: '', goal: '' });
      // @ts-expect-error the text of a request alone
      void ctx.service(MODEL, 'complete', 'text');
      // @ts-expect-error a method of another service
      void ctx.service(WORKSPACE, 'summary', {});
      // @ts-expect-error who writes
      void ctx.service(WORKSPACE, 'write', { path: 'a', content: 'b' });
      // @ts-expect-error whose program it is
      void ctx.service(SANDBOX, 'send', { content: '' });
      // @ts-expect-error no scopes
      void ctx.service(memoryOf(1), 'recall', { query: 'a' });
    });
  });

  test('a model that reads requests in another form than they are sent is no model', () => {
    const drain = (): void => undefined;
    const serve = (instance: ServiceInstance<Pick<ModelMethods, 'complete' | 'drain'>>): unknown => instance;
    const answer = {} as ServedAnswer;
    serve({ methods: { complete: ({ tools }) => (typeof tools === 'string' ? answer : answer), drain } });
    // @ts-expect-error it takes the tools for a list
    serve({ methods: { complete: ({ tools }: ChatRequest) => (tools.length > 0 ? answer : answer), drain } });
  });

  test('have the names that a run gives them', () => {
    const names = [ROSTER, MODEL, EMBEDDING_MODEL, WORKSPACE, SANDBOX, MEMORY, memoryOf(2), LOCAL_EMBEDDER];
    expect(names).toEqual(['roster', 'model', 'model', 'workspace', 'sandbox', 'memory', 'memory-2', 'embedder']);
  });

  test('are called by the names that say what they take, never by a text', () => {
    const found = [...filesUnder('actors'), ...filesUnder('src/run')]
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) =>
        [...readSource(path).matchAll(/\b(?:callService|service|call)\(\s*['"`]/gu)].map(
          ([call]) => `${path}: ${call}`,
        ),
      );
    expect(found).toEqual([]);
  });
});
