import { expect, test } from 'vitest';
import { toolsFor, TOOL_NAMES } from '../../actors/tools/index.ts';
import { agentBehaviour } from '../../actors/agent.ts';
import { admin } from '../../actors/admin.ts';
import { boss } from '../../actors/boss.ts';
import { ordinary } from '../../actors/ordinary.ts';
import { systemMail, type AgentMail } from '../../src/society/index.ts';

test('the tools of this version, with JSON Schemas of plain objects', () => {
  expect(TOOL_NAMES).toEqual([
    'add_agent',
    'talk',
    'read_file',
    'write_file',
    'append_file',
    'list_files',
    'change_task_status',
    'review',
    'terminate',
  ]);
  const required = Object.fromEntries(
    toolsFor('boss', true).map(({ function: { name, parameters } }) => {
      expect(parameters['type']).toBe('object');
      expect(parameters).not.toHaveProperty('$schema');
      return [name, parameters['required'] ?? []];
    }),
  );
  expect(required).toEqual({
    add_agent: ['name', 'description', 'initial_prompt'],
    talk: ['messages'],
    read_file: ['path'],
    write_file: ['path', 'content'],
    append_file: ['path', 'content'],
    list_files: [],
    change_task_status: ['items'],
    review: ['agent', 'verdict', 'feedback'],
    terminate: ['summary'],
  });
  expect(toolsFor('boss', true)).toBe(toolsFor('boss', true));
  // Where nothing is reviewed nobody is offered to.
  expect(toolsFor('boss', false).map((tool) => tool.function.name)).toEqual(
    TOOL_NAMES.filter((name) => name !== 'review'),
  );
});

test('definitions name their module and export', async () => {
  for (const definition of [boss, admin, ordinary]) {
    const module = (await import(definition.module)) as Record<string, unknown>;
    expect(module[definition.export]).toBe(definition);
  }
});

test('urgent is mail from the runtime, the person and the own supervisor', () => {
  const { urgent } = agentBehaviour(() => ({ admin, ordinary }));
  const is = (body: AgentMail): boolean | undefined => urgent?.({ type: 'mail', body, sender: null });
  expect(is(systemMail('nudge', ''))).toBe(true);
  expect(is({ from: 'user', kind: null, text: '' })).toBe(true);
  expect(is({ from: 'A', kind: null, text: '', fromSupervisor: true })).toBe(true);
  expect(is({ from: 'A', kind: null, text: '' })).toBe(false);
});
