/** What whole runs against a scripted server are made of: calls of tools, the plan with one `Writer`, the server's address. */
import { vi } from 'vitest';
import type { ScriptedAnswer, ScriptedServer } from './scripted-server.ts';

/** An answer that calls one tool. */
export const call = (name: string, args: object): ScriptedAnswer => ({
  toolCalls: [{ name, arguments: JSON.stringify(args) }],
});

/** One answer with the calls of all of them, in order. */
export const calls = (...all: readonly ScriptedAnswer[]): ScriptedAnswer => ({
  toolCalls: all.flatMap(({ toolCalls }) => toolCalls ?? []),
});

/** A Boss and its Writer, without a checklist. */
export const GUIDE = {
  goal: 'a guide',
  agents: [
    {
      name: 'Writer',
      description: 'writes',
      initial_prompt: 'Write guide.md',
      supervisor: 'Boss',
      files: [],
      collaborators: [],
    },
  ],
  items: [],
};

/** What a run's process has to find in its environment. */
export const environmentOf = ({ baseUrl }: Pick<ScriptedServer, 'baseUrl'>): Record<string, string> => ({
  OPENAI_BASE_URL: baseUrl,
  OPENAI_API_KEY: 'test-key',
});

/** Runs of this process ask the server, until `vi.unstubAllEnvs()`. */
export const stubServer = (server: Pick<ScriptedServer, 'baseUrl'>): void => {
  for (const [name, value] of Object.entries(environmentOf(server))) vi.stubEnv(name, value);
};
