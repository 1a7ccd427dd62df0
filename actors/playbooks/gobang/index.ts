/**
 * Gobang: a society of eight writes a game, and passes through a test program that fails, a page that is sent back and a
 * file that two write at once. Which agent says what; the parts stand in the files of their groups.
 */
import { waiting, type Decision, type Playbook, type Progress } from '../../../src/model/index.ts';
import { submit } from '../script.ts';
import { boss } from './boss.ts';
import { gobangCard } from './card.ts';
import { checker, engine, opponent, rules } from './engine.ts';
import { loadGameFiles, type GameFiles } from './files.ts';
import { lead, page, terminal } from './interface.ts';
import { CHECKER, ENGINE, INTERFACE, OPPONENT, PAGE, PLAN, RULES, TERMINAL } from './plan.ts';

type Part = (progress: Progress, files: GameFiles) => Decision;

const PARTS: Readonly<Record<string, Part>> = {
  Boss: boss,
  [ENGINE]: engine,
  [INTERFACE]: lead,
  [RULES]: rules,
  [OPPONENT]: opponent,
  [CHECKER]: checker,
  [TERMINAL]: terminal,
  [PAGE]: page,
};

const files = loadGameFiles();

export const gobang: Playbook = {
  card: gobangCard,
  respond: ({ agent, progress }) => {
    if (agent === '_planner') return submit(progress, PLAN);
    const part = PARTS[agent];
    return part === undefined ? waiting(`the playbook knows nobody called ${agent}`) : part(progress, files);
  },
};
