import { expect, test } from 'vitest';
import { z } from 'zod';
import { toolboxOf, toolsFor, TOOL_NAMES, type Offer } from '../../actors/tools/index.ts';
import { ALL_LEVELS, defineTool, LEADS } from '../../actors/tools/tool.ts';
import { admin } from '../../actors/admin.ts';
import { boss } from '../../actors/boss.ts';
import { ordinary } from '../../actors/ordinary.ts';

const BOSS: Offer = { level: 'boss', reviews: true, services: ['sandbox'] };
const WITH_ALL: Offer = { ...BOSS, services: ['memory', 'sandbox', 'human'] };

test('the tools of this version, with JSON Schemas of plain objects', () => {
  expect(TOOL_NAMES).toEqual([
    'add_agent',
    'add_team',
    'retire_agent',
    'talk',
    'read_file',
    'write_file',
    'edit_file',
    'append_file',
    'list_files',
    'search_files',
    'recall',
    'run_program',
    'send_input',
    'change_task_status',
    'review',
    'ask_human',
    'terminate',
  ]);
  const required = Object.fromEntries(
    toolsFor(WITH_ALL).map(({ function: { name, parameters } }) => {
      expect(parameters['type']).toBe('object');
      expect(parameters).not.toHaveProperty('$schema');
      return [name, parameters['required'] ?? []];
    }),
  );
  expect(required).toEqual({
    add_agent: ['name', 'description', 'initial_prompt'],
    add_team: ['name', 'description', 'initial_prompt', 'items'],
    retire_agent: ['name', 'reason'],
    talk: ['messages'],
    read_file: ['path'],
    write_file: ['path', 'content'],
    edit_file: ['path', 'old', 'new'],
    append_file: ['path', 'content'],
    list_files: [],
    search_files: ['query'],
    recall: ['query'],
    run_program: ['path'],
    send_input: ['content'],
    change_task_status: ['items'],
    review: ['agent', 'verdict', 'feedback'],
    ask_human: ['question'],
    terminate: ['summary'],
  });
  expect(toolsFor(BOSS)).toBe(toolsFor({ ...BOSS }));
  expect(toolsFor(BOSS).map((tool) => tool.function.name)).toEqual(
    TOOL_NAMES.filter((name) => name !== 'recall' && name !== 'ask_human'),
  );
  // Where nothing is reviewed nobody is offered to.
  expect(toolsFor({ ...WITH_ALL, reviews: false }).map((tool) => tool.function.name)).toEqual(
    TOOL_NAMES.filter((name) => name !== 'review'),
  );
});

test('a tool that needs a service is offered where that is there, and is unknown elsewhere', () => {
  const execute = (): Promise<{ ok: true }> => Promise.resolve({ ok: true });
  const schema = z.object({});
  const always = defineTool({ name: 'always', description: '', schema, levels: ALL_LEVELS, execute });
  const serviced = defineTool({ name: 'serviced', description: '', schema, levels: LEADS, service: 'dice', execute });
  const toolbox = toolboxOf([always, serviced]);
  const names = (offer: Offer): string[] => toolbox.offered(offer).map((tool) => tool.function.name);
  const withDice = { ...BOSS, services: ['cards', 'dice'] };
  expect(names(BOSS)).toEqual(['always']);
  expect(names(withDice)).toEqual(['always', 'serviced']);
  expect(names({ ...withDice, level: 'ordinary' })).toEqual(['always']);
  expect(toolbox.find('serviced', BOSS)).toBeUndefined();
  expect(toolbox.find('serviced', { ...withDice, level: 'ordinary' })).toBeUndefined();
  expect(toolbox.find('serviced', withDice)).toBe(serviced);
  // Prompts are cached by their beginning: what is the same is the same object.
  expect(toolbox.offered(withDice)).toBe(toolbox.offered({ ...withDice, services: ['dice'] }));
  expect(toolbox.offered({ ...BOSS, services: ['cards'] })).toBe(toolbox.offered(BOSS));
});

test('definitions name their module and export', async () => {
  for (const definition of [boss, admin, ordinary]) {
    const module = (await import(definition.module)) as Record<string, unknown>;
    expect(module[definition.export]).toBe(definition);
  }
});
