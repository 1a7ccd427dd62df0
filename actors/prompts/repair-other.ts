/** What an agent is told whose answer could not be used for another reason: one readable cause, one thing to do. */
import { definePrompt } from './prompt.ts';

export const REPAIR_OTHER = definePrompt({
  name: 'repair-other',
  purpose: 'The mail to an agent whose answer could not be used for another reason.',
  values: {},
  text: 'Your last answer could not be used. Call a tool with valid JSON arguments, or end your turn with a short text.',
});
