/** What an agent is told whose answer a content filter has withheld: one readable cause, one thing to do. */
import { definePrompt } from './prompt.ts';

export const REPAIR_FILTERED = definePrompt({
  name: 'repair-filtered',
  purpose: 'The mail to an agent whose answer a content filter has withheld.',
  values: {},
  text: 'Your last answer was withheld by the content filter of the model, and nothing of it was used. Go on in other words.',
});
