/**
 * What the Boss, Admins and whoever may hire need beyond that: hiring, assigning, waiting. The same text for all of them (P1
 * of `agent.ts`): what differs is among the facts. What to do when something goes wrong is said in the mail about it.
 */
import { definePrompt, fillPrompt, type PromptTexts } from './prompt.ts';

export const LEADING = definePrompt({
  name: 'leading',
  purpose: 'What the Boss, Admins and whoever may hire are told beyond that: hiring, assigning, waiting.',
  values: { reports: 'how they learn that somebody has handed in' },
  text: [
    '# Leading',
    'Hire where work can really be divided, all that a step needs in one answer: at most `slots`, those that they hire included.',
    'Give each a task to do without asking back: what to produce, in which file of its own, with whom to agree, how you judge it.',
    'Then only wait: {reports}. When all are finished, bring the results together.',
  ].join('\n'),
});

export const leading = (reviews: boolean, texts?: PromptTexts): string =>
  fillPrompt(LEADING, { reports: reviews ? 'a [review] tells you who has handed in' : 'they report by mail' }, texts);
