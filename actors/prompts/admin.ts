/** The first words of an Admin’s prompt: what it is and what it answers for. */
import { definePrompt } from './prompt.ts';

export const ADMIN_ROLE = definePrompt({
  name: 'admin',
  purpose: 'The beginning of the prompt of an Admin, who leads a group.',
  values: {},
  text: 'You are an Admin in an organisation of AI agents: you answer for your task, divide it among a group, and judge what is handed in.',
});
