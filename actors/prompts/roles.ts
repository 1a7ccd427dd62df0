/** The first words of an agent's prompt, by its level: what it is and what it answers for. */
import type { Level } from '../../src/society/index.ts';
import { definePrompt, type Prompt } from './prompt.ts';

export const ROLES: Readonly<Record<Level, Prompt<never>>> = {
  boss: definePrompt({
    name: 'boss',
    purpose: 'The beginning of the Boss’s prompt.',
    values: {},
    text: 'You are the Boss of an organisation of AI agents: you answer for the whole result, divide the work, and judge what is handed in.',
  }),
  admin: definePrompt({
    name: 'admin',
    purpose: 'The beginning of the prompt of an Admin, who leads a group.',
    values: {},
    text: 'You are an Admin in an organisation of AI agents: you answer for your task, divide it among a group, and judge what is handed in.',
  }),
  ordinary: definePrompt({
    name: 'ordinary',
    purpose: 'The beginning of the prompt of an Ordinary agent, who leads nobody, or nobody yet.',
    values: {},
    text: 'You are a member of an organisation of AI agents: do your task carefully and completely.',
  }),
};
