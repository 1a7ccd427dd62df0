/** The playbook *policy* in one process: whatever the order of turns, and whatever crashes, the same files. */
import { expect, test } from 'vitest';
import { policy } from '../../../../actors/playbooks/policy/index.ts';
import { makePlan } from '../../../../actors/planner.ts';
import { createScripted, parseRehearsalOptions } from '../../../../src/model/index.ts';
import { seededRandom } from '../../../../src/platform/index.ts';
import { limitsWith } from '../../../../src/society/index.ts';
import { Crash, Society, type SocietyOptions } from '../../society.ts';

const AGENTS = 24;
const GOAL = 'a national policy';

const play = async (more: Partial<SocietyOptions>): Promise<Society> => {
  const model = createScripted(policy, parseRehearsalOptions({ latencyMs: 0 }, 5));
  const { signal } = new AbortController();
  const limits = { agentsMax: AGENTS };
  const { plan } = await makePlan({ goal: GOAL, run: 'r', limits: limitsWith(limits) }, (request) =>
    model.complete(request, signal),
  );
  if (plan === null) throw new Error('no plan');
  const answer: SocietyOptions['answer'] = (request) => model.complete(request, signal);
  const society = await Society.start({ plan, goal: GOAL, answer, limits, ...more });
  await society.run();
  return society;
};

const contents = ({ files }: Society): [string, string][] => [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));

test('P1 the files are the same in any order of turns, with crashes too', async () => {
  const first = await play({});
  expect(first.end).toEqual({ status: 'completed', reason: 'done' });
  expect(first.roster.summary()).toMatchObject({ agents: AGENTS, neverWoken: 0, nudges: 0 });
  expect(first.files.size).toBe(AGENTS - 1);
  for (let seed = 1; seed <= 6; seed += 1) {
    const random = seededRandom(seed, 0);
    const crash = (): void => {
      if (random() < 0.02) throw new Crash();
    };
    const pick = (ready: number): number => Math.floor(random() * ready);
    const other = await play({ pick, ...(seed % 2 === 0 ? { crash } : {}) });
    expect(other.end, `order ${seed}`).toEqual(first.end);
    expect(contents(other), `order ${seed}`).toEqual(contents(first));
  }
});
