/** The national policy: what there is to know of it without loading it. */
import type { PlaybookCard } from '../../../src/model/index.ts';

export const policyCard: PlaybookCard = {
  name: 'policy',
  title: 'a national policy, drafted and then revised because of what citizens say',
  about:
    'Ministers hire experts and citizens; experts draft, interview citizens, and revise their drafts because of the answers. An editor puts the national policy together.',
  goal: 'Work out the national policy of a small country, ministry by ministry, and revise every draft after interviews with citizens.',
  options: { maxAgents: 590, agentsMin: 6, review: 'model', latencyMs: 200 },
};
