import { describe, expect, test } from 'vitest';
import { faultsOf, parseRehearsalOptions } from '../../src/model/rehearsal/index.ts';
import { MiniSociety, type Intervention, type SocietyOptions, type SocietyResult } from './support/mini-society.ts';

const run = (
  agents: number,
  order: number,
  options: Partial<SocietyOptions> & { file?: object; seed?: number } = {},
) => {
  const { file, seed, ...rest } = options;
  const rehearsal = parseRehearsalOptions({ latencyMs: 0, ...file }, seed ?? 3);
  return new MiniSociety({ agents, order, rehearsal, ...rest }).run();
};

/** Files as they must be for every order: appended lines in any order. */
const filesOf = (result: SocietyResult): Record<string, string> => {
  const sorted = [...result.files].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([path, content]) => [
      path,
      path.endsWith('/notes.md') ? content.split('\n').sort().join('\n') : content,
    ]),
  );
};

const check = (result: SocietyResult, agents: number): void => {
  expect(result.ended).toBe(true);
  expect(result.members.size).toBe(agents);
  const written = new Set([...result.authors.values()].flatMap((authors) => [...authors]));
  for (const member of result.members.values()) {
    expect(member.calls).toBeGreaterThan(0);
    expect(written).toContain(member.name);
    expect(member.evidence).toBe(true);
    expect(member.checklist.every((item) => item.status === 'done')).toBe(true);
    if (member.level !== 'Boss') expect(member.status).toBe('finished');
  }
  for (const [path, content] of result.files) {
    expect(content.toLowerCase()).toContain('synthetic');
    expect(path).toMatch(/^[A-Za-z0-9_./-]+$/u);
  }
};

describe('a society', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 10, 40])('of %i agents ends the same way in every order', (agents) => {
    let files: Record<string, string> | null = null;
    for (let order = 1; order <= 12; order += 1) {
      const result = run(agents, order);
      check(result, agents);
      expect(result.errors).toEqual({});
      expect(result.nudges).toBe(0);
      expect(result.calls).toBeLessThan(agents * 12 + 20);
      files ??= filesOf(result);
      expect(filesOf(result)).toEqual(files);
    }
  });

  test('of 590 agents is filled exactly and ends the same way in every order', () => {
    const [first, second] = [run(590, 1), run(590, 2)];
    for (const result of [first, second]) {
      check(result, 590);
      expect(result.errors).toEqual({});
      expect(result.calls).toBeLessThan(590 * 8);
      expect(result.verdicts['revise']).toBeGreaterThan(5);
      const depth = Math.max(...[...result.files.keys()].map((path) => path.split('/').length));
      expect(depth).toBe(2);
    }
    expect(filesOf(second)).toEqual(filesOf(first));
    const levels = [...first.members.values()].map((member) => member.level);
    expect(levels.filter((level) => level === 'Admin')).toHaveLength(24);
    expect(first.files.size).toBeGreaterThan(590);
  });

  test('other seeds make other societies of the same size', () => {
    const names = (seed: number) => [...run(40, 1, { seed }).members.keys()].sort().join();
    expect(names(1)).not.toBe(names(2));
    expect(names(1)).toBe(names(1));
  });

  test('without reviews', () => {
    for (const agents of [1, 2, 10, 40]) {
      const files = [1, 2, 3].map((order) => {
        const result = run(agents, order, { reviews: false });
        check(result, agents);
        expect(result.verdicts).toEqual({});
        expect(result.errors).toEqual({});
        return filesOf(result);
      });
      expect(files[1]).toEqual(files[0]);
      expect(files[2]).toEqual(files[0]);
    }
  });

  test('a shape decides the size', () => {
    const result = run(100, 1, { file: { shape: { admins: 3, workersPerAdmin: 4 } } });
    check(result, 1 + 3 * (1 + 4));
    expect(result.plan.agents.map((agent) => agent.slots)).toEqual([4, 4, 4]);
  });

  test('more slots than a group may have members make sections', () => {
    const result = run(1_000, 4, { file: { shape: { admins: 1, workersPerAdmin: 998 } }, callsPerAgentMax: 600 });
    check(result, 1_000);
    expect(result.errors).toEqual({});
    const widest = Math.max(...[...result.members.values()].map((member) => member.subordinates.length));
    expect(widest).toBeLessThanOrEqual(128);
  });
});

describe('truthful errors', () => {
  /** Gives `result` for the first `times` calls of `tool`. */
  const failing = (tool: string, times: number, code: string, extra: object = {}): Intervention => {
    const left = new Map<string, number>();
    return (agent, name) => {
      if (name !== tool) return null;
      const count = left.get(agent) ?? times;
      if (count === 0) return null;
      left.set(agent, count - 1);
      return { ok: false, error: { code, message: code, hint: '', ...extra } };
    };
  };

  test.each([
    ['write_file', 'TIMEOUT'],
    ['change_task_status', 'BUSY'],
    ['terminate', 'TIMEOUT'],
    ['review', 'TIMEOUT'],
    ['add_agent', 'NAME_TAKEN'],
    ['add_agent', 'BUSY'],
    ['talk', 'NOT_FOUND'],
    ['append_file', 'CONFLICT'],
    ['read_file', 'BUSY'],
  ])('%s failing once with %s costs a repetition', (tool, code) => {
    for (const order of [1, 2, 3]) {
      const result = run(20, order, { intervene: failing(tool, 1, code) });
      check(result, 20);
    }
  });

  test('a file that exists is kept, and the own section is added with the base given', () => {
    const seen = new Set<string>();
    const result = run(10, 1, {
      intervene: (_agent, tool, args) => {
        const path = String(args['path']);
        if (tool !== 'write_file' || seen.has(path)) return null;
        seen.add(path);
        return { ok: false, error: { code: 'EXISTS', message: '', hint: '', current: '# Old\n\nwords\n', base: 'v9' } };
      },
    });
    // The double has no such file, so that the base given is refused as a conflict or taken; either way it ends.
    check(result, 10);
    expect([...result.files.values()].some((content) => content.startsWith('# Old'))).toBe(true);
  });

  test.each([
    ['add_agent', 'LIMIT'],
    ['add_agent', 'NOT_ALLOWED'],
    ['write_file', 'TOO_LARGE'],
    ['write_file', 'CONFLICT'],
    ['talk', 'NOT_ALLOWED'],
    ['append_file', 'BAD_PATH'],
    ['change_task_status', 'INVALID_ARGUMENTS'],
    ['review', 'NOT_ALLOWED'],
    ['terminate', 'OPEN_ITEMS'],
    ['read_file', 'NOT_FOUND'],
  ])('%s failing always with %s ends in waiting, never in a loop', (tool, code) => {
    for (const order of [1, 2]) {
      const result = run(12, order, { intervene: failing(tool, Number.POSITIVE_INFINITY, code), callsPerAgentMax: 60 });
      expect(result.calls).toBeLessThan(12 * 40);
    }
  });
});

describe('failures on purpose', () => {
  const kinds = ['badJson', 'prose', 'refusal', 'silence', 'repetition', 'unfinished', 'http429', 'timeout'];
  test.each(kinds)('%s at a rate of 0.15 delays the society but does not keep it from its end', (kind) => {
    for (const order of [1, 2]) {
      const clean = run(25, order);
      const planted = new Set<string>();
      const onFailure = (failure: string): void => void planted.add(failure);
      const result = run(25, order, { file: { failures: { [kind]: 0.15 } }, callsPerAgentMax: 200, onFailure });
      expect(result.ended).toBe(true);
      expect(result.members.size).toBe(25);
      for (const [path, content] of clean.files) {
        // A verdict that is given again sends good work back once more, and the text says so.
        const before = (text = ''): string => (kind === 'repetition' ? text.replace(/^Revision [^]*$/mu, '') : text);
        if (!path.endsWith('notes.md')) expect(before(result.files.get(path))).toBe(before(content));
      }
      expect(planted.has(kind)).toBe(true);
    }
  });

  test('bad output is sent back and nothing else is, until all of it is good', () => {
    for (const order of [1, 2]) {
      const planted: string[] = [];
      const result = run(100, order, {
        file: { failures: { badOutput: 0.1 } },
        onFailure: (kind, agent) => {
          expect(kind).toBe('badOutput');
          planted.push(agent);
        },
      });
      check(result, 100);
      expect(planted.length).toBeGreaterThan(3);
      expect(result.verdicts['revise']).toBe(planted.length);
      for (const [path, content] of result.files) {
        if (path.endsWith('/notes.md') || path === 'report.md') continue;
        const author = /^## (?<author>.+)$/mu.exec(content)?.groups?.['author'] ?? '';
        expect(faultsOf(content, author)).toEqual([]);
      }
    }
  });

  test('without reviews nobody looks, and bad output stays', () => {
    const result = run(40, 1, { reviews: false, file: { failures: { badOutput: 0.3 } } });
    expect(result.ended).toBe(true);
    expect([...result.files.values()].some((content) => /TODO|Goal: .*\n*$/u.test(content))).toBe(true);
  });
});
