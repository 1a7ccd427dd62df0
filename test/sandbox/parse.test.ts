/** Programs that are parsed and not run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { parseProgram, type ParseResult, type Sandbox } from '../../src/sandbox/index.ts';
import { openSmall, whyNoSandbox } from './support.ts';

const missing = await whyNoSandbox();

describe.skipIf(missing !== null).for(['bwrap', 'none'] as const)('a sandbox, %s', (mode) => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await openSmall({ mode });
  });
  afterAll(() => sandbox.close());

  const parse = (path: string, content: string): Promise<ParseResult> =>
    parseProgram(sandbox, systemClock, { path, content });

  test('accepts what parses, and runs nothing of it', async () => {
    const endless = { py: 'while True:\n    pass\n', mjs: 'import a from "./b.mjs";\nwhile (true) {}\n' };
    expect(await parse('deep/main.py', endless.py)).toEqual({ ok: true, problem: null });
    expect(await parse('main.mjs', endless.mjs)).toEqual({ ok: true, problem: null });
    expect(await parse('main.js', 'import a from "b";\nexport const b = a;\n')).toEqual({ ok: true, problem: null });
    expect(await parse('main.cjs', 'module.exports = require("a");\n')).toEqual({ ok: true, problem: null });
  });

  test('says what is wrong, and nothing of where it was tried', async () => {
    for (const [path, content] of [
      ['deep/main.py', 'def f(:\n    pass\n'],
      ['main.mjs', 'const a = ;\n'],
    ] as const) {
      const result = await parse(path, content);
      const problem = result.ok ? (result.problem ?? '') : '';
      expect(problem).toContain('SyntaxError');
      expect(problem).not.toContain('/workspace/');
      expect(problem).not.toContain('megactor-programs');
    }
  });

  test('what it cannot try it says, and does not throw', async () => {
    expect(await parse('main.rb', 'puts 1')).toMatchObject({ ok: false });
    expect(await parse('../main.py', 'x = 1')).toMatchObject({ ok: false });
  });
});
