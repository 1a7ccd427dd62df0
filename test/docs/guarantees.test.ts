/** docs/guarantees.md names the invariants that the headers of the code state, all of them and no others. */
import { expect, test } from 'vitest';
import { readSource } from '../style/tree.ts';

/** Invariants that one file or two state; those of the actors (A) and of durable steps (D) are spread over many. */
const HOMES: Readonly<Record<string, string | readonly string[]>> = {
  B: 'src/sandbox/sandbox.ts',
  F: ['src/society/chat.ts', 'src/society/duplicates.ts', 'src/society/roster-texts.ts'],
  I: 'actors/prompts/catalogue.ts',
  J: ['src/journal/shard-log.ts', 'src/journal/open-reads.ts'],
  Z: 'src/journal/compact.ts',
  M: 'src/run/services/model.ts',
  K: 'actors/compaction.ts',
  C: 'src/run/controller.ts',
  S: 'src/run/society-run.ts',
  T: 'src/society/roster-team.ts',
  N: 'actors/replacement.ts',
  L: 'src/society/roster-leave.ts',
  P: 'src/model/scripted.ts',
  R: 'src/memory/memory.ts',
  W: 'src/workspace/workspace.ts',
};

const headerOf = (path: string): string => readSource(path).split('*/', 1)[0] ?? '';

test.each(Object.entries(HOMES))('%s of %s', (letter, home) => {
  const paths = [home].flat();
  const stated = [
    ...paths
      .map(headerOf)
      .join('\n')
      .matchAll(new RegExp(`\\b${letter}\\d+\\b`, 'gu')),
  ].map(([id]) => id);
  const page = readSource('docs/guarantees.md');
  const promised = [...page.matchAll(new RegExp(`^- \\*\\*(?<id>${letter}\\d+)\\*\\*`, 'gmu'))].map(
    ({ groups }) => groups?.['id'],
  );
  expect(promised.length).toBeGreaterThan(1);
  expect(promised).toEqual([...new Set(stated)]);
  for (const path of paths) expect(page).toContain(`\`${path}\``);
});
