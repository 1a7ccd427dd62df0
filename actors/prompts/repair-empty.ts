/** What an agent is told whose answer was empty: one readable cause, one thing to do. */
import { definePrompt } from './prompt.ts';

export const REPAIR_EMPTY = definePrompt({
  name: 'repair-empty',
  purpose: 'The mail to an agent whose answer was empty.',
  values: {},
  text: 'Your last answer was empty. Call a tool to go on, or end your turn with a short text.',
});
