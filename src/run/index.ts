/** Runs societies: starts, resumes, steers and inspects them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { playbookCard, playbookName } from '../../actors/playbooks/index.ts';
import { isLeaseHeld } from '../journal/lease.ts';
import { hasJournal } from '../journal/paths.ts';
import { checkOpenAiSetting } from '../model/openai-setting.ts';
import { freshSeed, randomId, systemClock, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { RUN_FORMAT, RunDirectory, type RunFile } from './run-directory.ts';
import type { Forecast, ForecastOptions } from './forecast/types.ts';
import { hasEnded } from './resumable.ts';
import { cassetteFile, modelsOf } from './model-settings.ts';
import { asPlayed } from './playbook-options.ts';
import { chooseSandbox } from './sandbox-choice.ts';
import { givenPrompts, keptPrompts } from './prompts.ts';
import { checkOptions, RESUME_OPTIONS, RUN_OPTIONS } from './option-names.ts';
import { resumedSettings, settingsOf, type RunSettings } from './settings.ts';
import { isTemplateName, planFromTemplate, TEMPLATE_NAMES } from '../society/index.ts';
import { SocietyRun, type PreparedRun } from './society-run.ts';
import type { ResumeOptions, Run, RunOptions } from './types.ts';

export type * from './forecast/types.ts';
export * from './looking.ts';
export * from './types.ts';

/** `20261231-235959-abc123`: sorts by time, and unguessable enough not to clash. */
const newRunId = (clock: Clock): string => {
  const time = new Date(clock.now()).toISOString().replace(/[-:]/gu, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomId(6)}`;
};

/** Fails where a run would fail with its first call. @throws KEY_MISSING, CONFIG_INVALID, CASSETTE_INVALID, USAGE */
const checkModels = ({ model, config }: RunSettings): void => {
  for (const name of modelsOf(model, config)) {
    const file = cassetteFile(name);
    if (file !== null && !existsSync(file)) {
      throw new MegactorError('CASSETTE_INVALID', `there is no cassette ${file}`);
    }
    const playbook = playbookName(name);
    if (playbook !== null) playbookCard(playbook);
    if (!name.startsWith('openai:')) continue;
    const { baseUrl, keyVariable } = config.models?.[name] ?? {};
    const apiKey = keyVariable === undefined ? undefined : process.env[keyVariable];
    if (keyVariable !== undefined && (apiKey === undefined || apiKey === '')) {
      throw new MegactorError('KEY_MISSING', `${keyVariable} is not set`, { hint: `Set it to the key of ${name}.` });
    }
    checkOpenAiSetting({ model: name.slice('openai:'.length), baseUrl, apiKey });
  }
};

/** The plan that the options give, unchecked; null to ask the model. */
const planOf = (goal: string, { plan, template }: RunOptions): unknown => {
  if (template === undefined) return plan ?? null;
  if (plan !== undefined) {
    throw new MegactorError('USAGE', 'a run starts from a plan or from a template, not from both');
  }
  if (!isTemplateName(template)) {
    const known = TEMPLATE_NAMES.join(', ');
    throw new MegactorError('USAGE', `there is no template "${String(template)}"`, { hint: `There are: ${known}.` });
  }
  return planFromTemplate(template, goal);
};

const prepareNew = async (given: string, asked: RunOptions, clock: Clock): Promise<PreparedRun> => {
  if (typeof given !== 'string') throw new MegactorError('USAGE', 'the goal is no text');
  checkOptions(RUN_OPTIONS, asked);
  const { goal, options } = asPlayed(given, asked);
  if (goal.trim() === '')
    throw new MegactorError('USAGE', 'the goal is empty', { hint: 'Say what the society is to do.' });
  const runId = newRunId(clock);
  const plan = planOf(goal, options);
  const path = resolve(options.runDir ?? join('runs', runId));
  // Who only plans leaves a repository of the user's as it is.
  const { workspace, ...others } = options;
  const chosen = workspace === undefined || options.planOnly === true ? null : resolve(workspace);
  const settings = settingsOf(
    { ...others, ...(chosen === null ? {} : { workspace: chosen }) },
    { workspace: join(path, 'workspace'), seed: freshSeed() },
  );
  checkModels(settings);
  const prompts = givenPrompts(options.prompts);
  const sandbox = await chooseSandbox(options, settings);
  const directory = RunDirectory.create(path);
  const run: RunFile = {
    format: RUN_FORMAT,
    runId,
    goal,
    createdAt: new Date(clock.now()).toISOString(),
    status: 'running',
    reason: null,
    settings: { ...settings, ...sandbox, workspace: resolve(settings.workspace), prompts: prompts?.kept ?? null },
    plan,
    ...(options.planOnly === true ? { planOnly: true } : {}),
    spent: { wallSeconds: 0, restarts: 0, deadLetters: 0 },
  };
  return { directory, run, fresh: true, prompts: prompts?.texts ?? null };
};

const prepareResume = (runDir: string, options: ResumeOptions): PreparedRun => {
  checkOptions(RESUME_OPTIONS, options);
  const { directory, run } = RunDirectory.open(runDir);
  if (hasEnded(run)) {
    const why = run.status === 'completed' ? 'is complete' : `has ended (${run.status}: ${run.reason ?? 'unknown'})`;
    throw new MegactorError('RUN_NOT_RESUMABLE', `run ${run.runId} ${why}`);
  }
  if (run.settings.durability === 'none') {
    throw new MegactorError('RUN_NOT_RESUMABLE', `run ${run.runId} kept no journal (--durability none)`);
  }
  // A new journal in the place of a lost one would begin the run again and call it resumed.
  if (directory.hasBegun() && !hasJournal(directory.path)) {
    throw new MegactorError('JOURNAL_DAMAGED', `the journal of ${directory.path} is missing or empty`);
  }
  const settings = resumedSettings(run.settings, options);
  checkModels(settings);
  const prompts = settings.prompts === null ? null : keptPrompts(directory.path, settings.prompts);
  return { directory, run: { ...run, settings }, fresh: false, prompts };
};

/**
 * Starts a society on a goal. Returns at once; `report` settles when everything is closed, and rejects with a
 * `MegactorError` when the run could not start. Aborting `options.signal` pauses the run.
 * @param goal may be empty with `model: 'playbook:NAME'`, which brings its own
 */
export const runSociety = (goal: string, options: RunOptions = {}): Run =>
  new SocietyRun(() => prepareNew(goal, options, systemClock), {
    signal: options.signal,
    waitForAnswers: options.waitForAnswers,
    clock: systemClock,
    resume: resumeRun,
  });

/** Goes on with a run that was paused, killed, or failed for a reason around it. */
export const resumeRun = (runDir: string, options: ResumeOptions = {}): Run =>
  new SocietyRun(() => prepareResume(runDir, options), {
    signal: options.signal,
    waitForAnswers: options.waitForAnswers,
    clock: systemClock,
    resume: resumeRun,
  });

/** As `resumeRun`, and says so when the run is running. */
export const continueRun = (runDir: string, options: ResumeOptions = {}): Run =>
  new SocietyRun(
    () => {
      const { directory, run } = RunDirectory.open(runDir);
      if (isLeaseHeld(directory.path)) {
        throw new MegactorError('RUN_DIR_IN_USE', `run ${run.runId} is running: there is nothing to continue`, {
          hint: 'To pause it: `megactor pause RUN_DIR`.',
        });
      }
      return prepareResume(runDir, options);
    },
    { signal: options.signal, waitForAnswers: options.waitForAnswers, clock: systemClock, resume: resumeRun },
  );

/**
 * Forecasts what a run of `goal` would come to, from a rehearsal in virtual time. Calls nobody, keeps nothing.
 * @throws CONFIG_INVALID, USAGE; ABORTED when `options.signal` is
 */
export const rehearse = async (goal: string, options: ForecastOptions = {}): Promise<Forecast> => {
  // Loaded here: nobody else needs a simulation.
  const forecast = await import('./forecast/rehearse.ts');
  return forecast.rehearse(goal, options);
};
