/** What an agent is told that has refused: one readable cause, one thing to do. */
import { definePrompt } from './prompt.ts';

export const REPAIR_REFUSAL = definePrompt({
  name: 'repair-refusal',
  purpose: 'The mail to an agent that has refused.',
  values: {},
  text: 'You refused. Only your own task is asked of you: do the part of it that you can do, and say with talk what you cannot do and why.',
});
