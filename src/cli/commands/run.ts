/** `run`: from the options of the command line to the options of a run. What they mean is checked by the run itself. */
import { playbookCard, playbookName, PLAYBOOKS } from '../../../actors/playbooks/index.ts';
import type { DurabilityLevel } from '../../journal/shard-log.ts';
import { isBuiltIn } from '../../run/built-in.ts';
import type { BudgetOptions, RunOptions } from '../../run/types.ts';
import type { TemplateName } from '../../society/template-names.ts';
import type { Command } from '../command.ts';
import { RUN_OPTIONS } from '../options.ts';
import { readJsonFile, usageError, type ParsedLine } from '../parse.ts';
import type { CommandContext } from '../ports.ts';
import { watchRun } from '../watch.ts';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The budgets on a command line. */
export const budgetOptionsOf = ({ values }: ParsedLine): BudgetOptions => {
  const calls = values.get('budget-calls') as number | undefined;
  const tokens = values.get('budget-tokens') as number | undefined;
  const usd = values.get('budget-usd') as string | undefined;
  const deadline = values.get('deadline') as string | undefined;
  return {
    ...(calls === undefined ? {} : { budgetCalls: calls }),
    ...(tokens === undefined ? {} : { budgetTokens: tokens }),
    ...(usd === undefined ? {} : { budgetUsd: Number(usd) }),
    ...(deadline === undefined ? {} : { deadline }),
  };
};

/** The given options only, so that every default stays with the run. @throws USAGE for a file that is not JSON */
export const runOptionsOf = async (line: ParsedLine, context: CommandContext): Promise<RunOptions> => {
  const { values } = line;
  const options: Mutable<RunOptions> = {};
  const text = (name: string): string | undefined => values.get(name) as string | undefined;
  const integer = (name: string): number | undefined => values.get(name) as number | undefined;
  const set = <Key extends keyof RunOptions>(key: Key, value: RunOptions[Key] | undefined): void => {
    if (value !== undefined) options[key] = value;
  };
  const file = async (name: 'rehearsal' | 'config' | 'plan'): Promise<void> => {
    const path = text(name);
    if (path !== undefined) set(name, await readJsonFile(name, path, context.readFile));
  };
  set('model', text('model'));
  set('record', text('record'));
  set('workspace', text('workspace'));
  set('runDir', text('run-dir'));
  set('shards', integer('shards'));
  set('threads', integer('threads'));
  set('seed', integer('seed'));
  set('durability', text('durability') as DurabilityLevel | undefined);
  set('maxAgents', integer('max-agents'));
  set('embedder', text('embedder'));
  set('review', text('review') as RunOptions['review']);
  set('sandbox', text('sandbox') as RunOptions['sandbox']);
  if (values.get('sandbox-network') === true) set('sandboxNetwork', true);
  set('prompts', text('prompts'));
  set('approve', text('approve')?.split(',') as RunOptions['approve']);
  set('template', text('template') as TemplateName | undefined);
  if (values.get('plan-only') === true) set('planOnly', true);
  if (values.get('deterministic') === true) set('deterministic', true);
  if (values.get('no-agent-headers') === true) set('noAgentHeaders', true);
  Object.assign(options, budgetOptionsOf(line));
  await file('rehearsal');
  await file('config');
  await file('plan');
  return options;
};

/** Starts a run and follows it to its end. */
export const startRun = async (
  goal: string,
  options: RunOptions,
  line: ParsedLine,
  context: CommandContext,
): Promise<number> => {
  const api = await context.loadRunApi();
  return watchRun(
    (signal, waitForAnswers) => api.runSociety(goal, { ...options, signal, waitForAnswers }),
    {
      json: line.values.get('json') === true,
      quiet: line.values.get('quiet') === true,
      synthetic: isBuiltIn(options.model ?? 'rehearsal') ? (options.model ?? 'rehearsal') : undefined,
      unprotected: options.sandbox === 'none',
      kept: options.durability !== 'none',
    },
    context,
  );
};

/** The one goal of a command line. @throws USAGE */
export const goalOf = (line: ParsedLine, command = 'run'): string => {
  const [goal, ...rest] = line.positionals;
  if (goal === undefined || goal.trim() === '') {
    throw usageError(
      'A run needs a goal.',
      `Say in quotes what the society is to do: ${command} "Write a field guide".`,
    );
  }
  if (rest.length > 0) {
    throw usageError(
      `A run takes one goal, and there are ${rest.length + 1} arguments.`,
      'Put the whole goal in one pair of quotes.',
    );
  }
  return goal.trim();
};

export const runCommand: Command = {
  name: 'run',
  usage: 'run "GOAL" [OPTIONS]',
  summary: 'Gives a goal to a new society of agents and waits until it is done.',
  options: RUN_OPTIONS,
  examples: [
    'run "Write a field guide to the birds of an island"',
    'run "Write a field guide" --model openai:gpt-5-mini --max-agents 40',
    'run "Write a field guide" --template document --plan-only',
    'run "Write a field guide" --run-dir runs/guide --seed 7 --json --quiet',
    'run --model playbook:greeting',
  ],
  notes: [
    'Ctrl-C pauses the run (exit 3); `resume RUN_DIR` goes on with it, unless it has `--durability none`.',
    'Playbooks, scripted societies that bring their goal along:',
    ...PLAYBOOKS.map(({ name, title }) => `  playbook:${name}: ${title}`),
  ],
  run: async (line, context) => {
    const options = await runOptionsOf(line, context);
    const playbook = playbookName(options.model ?? '');
    if (playbook !== null) playbookCard(playbook);
    const ownGoal = playbook !== null && line.positionals.length === 0;
    return startRun(ownGoal ? '' : goalOf(line), options, line, context);
  },
};
