/** The services of a run as the suites of effects see them: what each does, and what can be seen of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plannerRequest } from '../../../actors/planner.ts';
import { createService as createModel } from '../../../src/run/services/model.ts';
import { createService as createRoster } from '../../../src/run/services/roster.ts';
import { createService as createWorkspace } from '../../../src/run/services/workspace.ts';
import { BOSS, limitsWith } from '../../../src/society/index.ts';
import { EFFECTS, type ServiceSubject } from '../../journal/service-subject.ts';
import { planWith } from '../../society/arbitraries.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { hostServiceOver } from './host.ts';

/** @param directory of the shared files; null: a temporary one */
const workspaceSubject = (method: 'write' | 'append', directory: string | null = null): ServiceSubject => ({
  name: `the workspace's ${method}`,
  start: async () => {
    const run = directory ?? mkdtempSync(join(tmpdir(), 'megactor-service-'));
    return {
      open: async (store) => {
        const options = { directory: join(run, 'workspace'), runId: 'r', sync: false };
        const { call, instance } = await hostServiceOver(store, createWorkspace, options);
        const read = (path: string): Promise<unknown> => call('read', { author: 'user', path });
        const append = { author: 'Agent', path: 'log.md', content: 'a line' };
        return {
          act: (effectId, number) =>
            method === 'append'
              ? call('append', append, { effectId })
              : call('write', { author: 'Agent', path: `file-${number}.md`, content: `${number}\n` }, { effectId }),
          observe: async () => [await read('log.md'), await read('file-1.md'), await read('file-2.md')],
          close: async () => instance.close?.(),
        };
      },
      close: async () => {
        if (directory === null) rmSync(run, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  },
});

const founding = { plan: planWith([{ name: 'A' }]), shards: 2, reviews: false, limits: limitsWith() };

export const rosterSubject: ServiceSubject = {
  name: 'the roster',
  start: async () => ({
    open: async (store) => {
      const { call } = await hostServiceOver(store, createRoster, undefined);
      await call('found', founding, { effectId: 'run/0/found' });
      return {
        act: (effectId, number) => {
          const recruits = [{ name: `Recruit${number}`, description: 'd', initialPrompt: 'p', woken: true }];
          return call('hire', { hirer: BOSS, recruits }, { effectId });
        },
        observe: () => call('summary', {}),
      };
    },
    close: async () => {},
  }),
};

/** An answer is what the model's service keeps; what is seen of it is what the store has, and what the server was asked. */
export const modelSubject: ServiceSubject = {
  name: "the model's answers",
  start: async () => {
    let requests = 0;
    const server = await startScriptedServer(() => {
      requests += 1;
      return { content: `answer ${requests}` };
    });
    const closing: (() => Promise<void>)[] = [];
    return {
      open: async (store) => {
        const options = { model: 'openai:m', seed: 1, baseUrl: server.baseUrl };
        const { call, instance } = await hostServiceOver(store, createModel, options);
        closing.push(async () => instance.close?.());
        const request = plannerRequest({ goal: 'g', run: 'r', limits: limitsWith({ agentsMax: 3 }) });
        return {
          act: async (effectId) => {
            const asked = { ...request, agent: effectId.slice(0, effectId.indexOf('/')) };
            const { text } = (await call('complete', asked, { effectId })) as { readonly text: string };
            return text;
          },
          observe: async () => {
            const kept = await Promise.all(EFFECTS.map((id) => store.result(id)));
            return kept.map((result) => result !== undefined);
          },
        };
      },
      cost: () => requests,
      close: async () => {
        await Promise.race([Promise.allSettled(closing.map((close) => close())), new Promise(setImmediate)]);
        await server.stop();
      },
    };
  },
};

export const writeSubject = (directory?: string): ServiceSubject => workspaceSubject('write', directory);
export const appendSubject = (directory?: string): ServiceSubject => workspaceSubject('append', directory);

/** Those whose changes are all on disk, in `directory` and in the journal. */
export const diskSubjects = (directory: string): Readonly<Record<string, ServiceSubject>> => ({
  append: appendSubject(directory),
  roster: rosterSubject,
});
