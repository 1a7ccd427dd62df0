/** The smallest playbook: what there is to know of it without loading it. */
import type { PlaybookCard } from '../../../src/model/index.ts';

export const greetingCard: PlaybookCard = {
  name: 'greeting',
  title: 'the smallest society: a Boss, a writer, one file that is sent back once',
  about: 'A writer writes a greeting, the Boss sends it back because it greets nobody, and accepts the second version.',
  goal: 'Write a greeting to the world into greeting.md.',
  options: { maxAgents: 2, agentsMin: 2, review: 'model' },
};
