/** A sandbox in somebody else's program: what it is given wrongly is named; above all nothing is taken for walls that is none. */
import { expect, test } from 'vitest';
import { Sandbox } from '../../src/sandbox/index.ts';

test('options that are wrong open nothing', async () => {
  for (const options of [{ mode: 'docker' }, { network: 'no' }, { runningMax: 0 }, { limits: { wallMs: -1 } }]) {
    await expect(Sandbox.open(options as never)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(Object.keys(options)[0] ?? '') as string,
    });
  }
});

test('what is no program is refused, and a sandbox closes by itself at the end of its block', async () => {
  let after: Sandbox;
  const files = [{ path: 'a.mjs', content: '' }];
  {
    await using sandbox = await Sandbox.open({ mode: 'none' });
    for (const request of [undefined, {}, { path: 'a.mjs' }, { path: 5, files }, { path: 'a.mjs', files: [{}] }]) {
      await expect(sandbox.run(request as never)).rejects.toMatchObject({ code: 'PROGRAM_INVALID' });
    }
    after = sandbox;
  }
  await expect(after.run({ path: 'a.mjs', files })).rejects.toMatchObject({ code: 'ABORTED' });
});
