/**
 * The playbook *policy*, after the second experiment of the paper: a national policy, drafted by up to 590 agents and more,
 * whose drafts change because of what citizens say in interviews. Who plays what; the parts are in `leads.ts` and `roles.ts`.
 */
import type { Decision, Playbook } from '../../../src/model/index.ts';
import { submit } from '../script.ts';
import { policyCard } from './card.ts';
import { planOf } from './cast.ts';
import { boss, minister } from './leads.ts';
import { MINISTRIES } from './ministries.ts';
import { citizen, editor, expert, playsCitizen } from './roles.ts';
import { EDITOR } from './texts.ts';

const AGENTS_DEFAULT = 100;
const FAN_OUT_DEFAULT = 128;

export const policy: Playbook = {
  card: policyCard,
  respond: ({ agent, progress, seed }): Decision => {
    const { level, name, goal } = progress.persona;
    if (agent === '_planner') {
      const agents = progress.factNumber('agents', AGENTS_DEFAULT);
      return submit(progress, planOf(goal, agents, progress.factNumber('fan-out', FAN_OUT_DEFAULT)));
    }
    if (level === 'Boss') return boss(progress);
    if (name === EDITOR) return editor(progress);
    if (MINISTRIES.some((ministry) => ministry.name === name)) return minister(progress, seed);
    return playsCitizen(progress) ? citizen(progress, seed) : expert(progress, seed);
  },
};
