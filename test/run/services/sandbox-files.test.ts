import { expect, test } from 'vitest';
import type { ServiceHost } from '../../../src/protocol/service.ts';
import { workspaceFiles } from '../../../src/run/services/sandbox.ts';

interface Applied {
  readonly changes: readonly { readonly path: string }[];
}

const LIMITS = { diskBytes: 1_000, diskFiles: 100 };
const changes = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, content: new Uint8Array([1]), base: null }));

/** Files of an agent over a workspace that takes `calls` calls. */
const filesOver = (calls: number): { files: ReturnType<typeof workspaceFiles>; sent: string[] } => {
  const sent: string[] = [];
  const call = async (_service: string, _method: string, args: unknown): Promise<unknown> => {
    const paths = (args as Applied).changes.map(({ path }) => path);
    if (sent.length === calls) throw new Error('no time is left');
    sent.push(paths.join(''));
    return await Promise.resolve({ ok: true, files: paths.map((path) => ({ path, status: 'written', base: 'x' })) });
  };
  return {
    files: workspaceFiles({ call: call as ServiceHost['call'] }, 'A', LIMITS, { countMax: 2, bytesMax: 1_000 }),
    sent,
  };
};

test('W8: what a program changed goes back in slices, with a row for each file', async () => {
  const { files, sent } = filesOver(3);
  const rows = await files.bringBack(changes);
  expect(sent).toEqual(['ab', 'cd', 'e']);
  expect(rows).toEqual(changes.map(({ path }) => ({ path, status: 'written' })));
});

test('W8: when a later slice fails, what came back is told, and what did not', async () => {
  const { files } = filesOver(1);
  expect(await files.bringBack(changes)).toEqual([
    { path: 'a', status: 'written' },
    { path: 'b', status: 'written' },
    ...['c', 'd', 'e'].map((path) => ({ path, status: 'refused', message: 'no time is left' })),
  ]);
  await expect(filesOver(0).files.bringBack(changes)).rejects.toThrow('no time is left');
});
