/** The first words of an Ordinary agent’s prompt: what it is and what it answers for. */
import { definePrompt } from './prompt.ts';

export const ORDINARY_ROLE = definePrompt({
  name: 'ordinary',
  purpose: 'The beginning of the prompt of an Ordinary agent, who leads nobody, or nobody yet.',
  values: {},
  text: 'You are a member of an organisation of AI agents: do your task carefully and completely.',
});
