import { expect, test } from 'vitest';
import { NO_PROGRAMS, withEnd, withStart, type BroughtBack, type ProgramEnd } from '../../src/sandbox/index.ts';

const ended = (more: Partial<ProgramEnd> = {}): ProgramEnd => ({
  exitCode: 0,
  signal: null,
  endedBy: 'itself',
  files: { changed: [], left: [] },
  ...more,
});

const after = (end: ProgramEnd, brought: readonly BroughtBack[] = []) => withEnd(withStart(NO_PROGRAMS), end, brought);

test.each([
  ['a good end', ended(), {}],
  ['a code', ended({ exitCode: 3 }), { failed: 1 }],
  ['a signal of its own', ended({ exitCode: null, signal: 'SIGSEGV' }), { failed: 1 }],
  ['processor time', ended({ exitCode: null, signal: 'SIGXCPU' }), { overLimit: 1 }],
  ['the size of a file', ended({ exitCode: null, signal: 'SIGXFSZ' }), { overLimit: 1 }],
  ['memory', ended({ exitCode: null, signal: 'SIGKILL', endedBy: 'memory' }), { overLimit: 1 }],
  ['output', ended({ exitCode: null, signal: 'SIGKILL', endedBy: 'output' }), { overLimit: 1 }],
  ['wall time', ended({ exitCode: null, signal: 'SIGKILL', endedBy: 'wall-time' }), { timedOut: 1 }],
  ['its agent', ended({ exitCode: null, signal: 'SIGKILL', endedBy: 'stopped', files: null }), { stopped: 1 }],
] as const)('ended by %s', (_, end, counted) => {
  expect(after(end)).toEqual({ ...NO_PROGRAMS, run: 1, ...counted });
});

test('files that came back and files that did not', () => {
  const statuses = ['written', 'merged', 'removed', 'unchanged', 'conflict', 'refused'] as const;
  const brought = statuses.map((status) => ({ path: status, status }));
  const end = ended({ files: { changed: [], left: [{ path: 'l', why: 'link' }] } });
  expect(after(end, brought)).toEqual({ ...NO_PROGRAMS, run: 1, filesBroughtBack: 3, filesRefused: 3 });
});
