import { describe, expect, test } from 'vitest';
import { parseRehearsalOptions } from '../../src/model/rehearsal/index.ts';
import { MiniSociety, type SocietyResult } from './support/mini-society.ts';

const run = (agents: number, order: number, raw: object = {}, reviews = false): SocietyResult => {
  const rehearsal = parseRehearsalOptions({ latencyMs: 0, scenario: 'team', ...raw }, 3);
  return new MiniSociety({ agents, order, rehearsal, reviews }).run();
};

/** Calls of a member that did something, waiting texts not counted. */
const working = (result: SocietyResult, name: string): number => {
  const { history } = result.members.get(name) as unknown as { history: { role: string; tool_calls?: unknown }[] };
  return history.filter((message) => message.role === 'assistant' && message.tool_calls !== undefined).length;
};

describe('a team', () => {
  test.each([
    [4, 5],
    [1, 1],
    [10, 12],
  ])('%i Admins with %i workers make exactly the calls they should', (admins, workers) => {
    for (const order of [1, 2, 3, 4]) {
      const agents = 1 + admins * (1 + workers);
      const result = run(agents, order, { shape: { admins, workersPerAdmin: workers } });
      expect(result.ended).toBe(true);
      expect(result.members.size).toBe(agents);
      expect(result.errors).toEqual({});
      expect(result.nudges).toBe(0);
      for (const member of result.members.values()) {
        // The Boss assigns and ends; an Admin hires, gives out, and reports; a worker writes, and reports.
        const expected = member.level === 'Boss' ? 2 : member.supervisor === 'Boss' ? workers + 2 : 2;
        expect([member.name, working(result, member.name)]).toEqual([member.name, expected]);
      }
      expect(result.tools).toEqual({
        add_agent: admins * workers,
        talk: 1 + admins + admins * workers + admins,
        write_file: admins * workers,
        terminate: admins * workers + admins + 1,
      });
      expect(result.files.size).toBe(admins * workers);
    }
  });

  test('without a shape fills the run', () => {
    for (const agents of [1, 2, 3, 6, 7, 20, 100]) {
      const result = run(agents, 1);
      expect(result.ended).toBe(true);
      expect(result.members.size).toBe(agents);
    }
  });

  test('shared: one file per Admin, read and then appended to', () => {
    const shape = { admins: 3, workersPerAdmin: 4, variant: 'shared' };
    const contents = [1, 2].map((order) => {
      const result = run(16, order, { shape });
      expect(result.ended).toBe(true);
      expect(result.files.size).toBe(3);
      expect(result.tools).toMatchObject({ read_file: 12, append_file: 12 });
      expect(result.tools).not.toHaveProperty('write_file');
      return [...result.files].map(([path, text]) => `${path}\n${text.split('\n').sort().join('\n')}`).sort();
    });
    expect(contents[0]).toEqual(contents[1]);
  });

  test('ends even where reviews were left on', () => {
    const result = run(21, 1, { shape: { admins: 4, workersPerAdmin: 4 } }, true);
    expect(result.ended).toBe(true);
    expect(result.verdicts).toEqual({ accept: 20 });
  });

  test.each(['badJson', 'prose', 'refusal', 'silence', 'unfinished', 'badOutput'])('%s delays it', (kind) => {
    for (const order of [1, 2]) {
      const result = run(21, order, { shape: { admins: 4, workersPerAdmin: 4 }, failures: { [kind]: 0.1 } });
      expect(result.ended).toBe(true);
    }
  });
});
