/**
 * Whether the agents of a run may run programs, and in what: decided once, when the run begins, and kept with it.
 *
 * Without `--sandbox` a run has one where it works on this machine and where a model may make use of it: a rehearsal calls
 * no tool that is not in its script, and its requests are to be the same everywhere. A playbook says whether it does. A cassette answers requests that offer
 * what was offered when it was recorded.
 */
import { readFileSync } from 'node:fs';
import { hasPrograms } from '../../actors/playbooks/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { isBuiltIn } from './built-in.ts';
import { cassetteFile, modelsOf } from './model-settings.ts';
import type { RunSettings } from './settings.ts';
import type { RunOptions } from './types.ts';

type Choice = Pick<RunSettings, 'sandbox' | 'sandboxNetwork'>;

const isMissing = async (
  settings: RunSettings,
  mode: 'bwrap' | 'none',
  network: boolean,
): Promise<MegactorError | null> => {
  const { runningMax: _, ...limits } = settings.config.programs ?? {};
  try {
    // Loaded where it is wanted.
    const { Sandbox } = await import('../sandbox/index.ts');
    const sandbox = await Sandbox.open({ mode, network, limits });
    await sandbox.close();
    return null;
  } catch (error) {
    if (error instanceof MegactorError && error.code === 'SANDBOX_MISSING') return error;
    throw error;
  }
};

/** What stands in a cassette whose agents were offered programs: the tool, in a text within a line of JSON. */
const OFFERED = String.raw`\"name\":\"run_program\"`;

/** Whether somebody may make use of programs: null where nobody does, and `needed` where nothing else will do. */
const useOf = ({ model, config }: RunSettings): 'wanted' | 'needed' | null => {
  const uses = modelsOf(model, config).map((name) => {
    const file = cassetteFile(name);
    if (file !== null) return readFileSync(file, 'utf8').includes(OFFERED) ? 'needed' : null;
    return isBuiltIn(name) && !hasPrograms(name) ? null : 'wanted';
  });
  return uses.includes('needed') ? 'needed' : uses.includes('wanted') ? 'wanted' : null;
};

/** @throws SANDBOX_MISSING for one that was asked for, CONFIG_INVALID */
export const chooseSandbox = async (options: RunOptions, settings: RunSettings): Promise<Choice> => {
  const { sandbox: asked, sandboxNetwork = false } = options;
  const off: Choice = { sandbox: 'off', sandboxNetwork: false };
  if (asked === 'off') {
    if (!sandboxNetwork) return off;
    throw new MegactorError('CONFIG_INVALID', '--sandbox-network goes with a sandbox, not with --sandbox off');
  }
  if (asked !== undefined && settings.deterministic) {
    throw new MegactorError('CONFIG_INVALID', `--deterministic goes without programs, not with --sandbox ${asked}`, {
      hint: 'What a program does depends on the machine. Leave --sandbox out.',
    });
  }
  const isAsked = asked !== undefined || sandboxNetwork;
  const use = settings.deterministic ? null : useOf(settings);
  if (!isAsked && use === null) return off;
  const mode = asked ?? 'bwrap';
  const missing = await isMissing(settings, mode, sandboxNetwork);
  if (missing === null) return { sandbox: mode, sandboxNetwork };
  if (isAsked || use === 'needed') throw missing;
  return off;
};
