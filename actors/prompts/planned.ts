/** What somebody is told who leads agents that the plan has hired. */
import { definePrompt } from './prompt.ts';

export const PLANNED = definePrompt({
  name: 'planned',
  purpose: 'After the facts of whoever leads agents that the plan has hired: that they wait for a word.',
  values: {},
  text: 'The `planned` agents know their task, but wait for your word: start them with one `talk`, a message for each.',
});
