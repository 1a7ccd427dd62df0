/** What an agent is told whose answer was cut off: one readable cause, one thing to do. */
import { definePrompt } from './prompt.ts';

export const REPAIR_TRUNCATED = definePrompt({
  name: 'repair-truncated',
  purpose: 'The mail to an agent whose answer was cut off.',
  values: {},
  text: 'Your last answer was cut off because it was too long, and nothing of it was used. Make it shorter: write long files in parts with append_file, and use fewer tool calls at once.',
});
