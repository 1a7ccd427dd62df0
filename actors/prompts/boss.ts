/** The first words of the Boss’s prompt: what it is and what it answers for. */
import { definePrompt } from './prompt.ts';

export const BOSS_ROLE = definePrompt({
  name: 'boss',
  purpose: 'The beginning of the Boss’s prompt.',
  values: {},
  text: 'You are the Boss of an organisation of AI agents: you answer for the whole result, divide the work, and judge what is handed in.',
});
