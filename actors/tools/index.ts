/** The tools of this version, by name, and what is offered to whom. */
import type { ToolSpec } from '../../src/model/types.ts';
import type { AgentState, Level } from '../../src/society/index.ts';
import { addAgent } from './add-agent.ts';
import { addTeam } from './add-team.ts';
import { askHuman } from './ask-human.ts';
import { appendFile, editFile, listFiles, readFile, searchFiles, writeFile } from './files.ts';
import { runProgram, sendInput } from './programs.ts';
import { recall } from './recall.ts';
import { retireAgent } from './retire-agent.ts';
import { talk } from './talk.ts';
import { changeTaskStatus, review, terminate } from './tasks.ts';
import { toolSpec, type Tool } from './tool.ts';

// A tool's own arguments are checked by its own schema before it runs, so the list need not know them.
const TOOLS = [
  addAgent,
  addTeam,
  retireAgent,
  talk,
  readFile,
  writeFile,
  editFile,
  appendFile,
  listFiles,
  searchFiles,
  recall,
  runProgram,
  sendInput,
  changeTaskStatus,
  review,
  askHuman,
  terminate,
] as unknown as readonly Tool[];

export const TOOL_NAMES: readonly string[] = TOOLS.map((tool) => tool.name);

/** What decides which tools an agent is offered. */
export interface Offer {
  readonly level: Level;
  /** Whether work is reviewed in this run. */
  readonly reviews: boolean;
  /** Services of this run beyond those that every run has. */
  readonly services: readonly string[];
}

const NO_SERVICES: readonly string[] = [];

export const offerOf = ({ level, settings }: Pick<AgentState, 'level' | 'settings'>): Offer => ({
  level,
  reviews: settings.reviews,
  services: settings.services ?? NO_SERVICES,
});

/** What agents can do: a set of tools, each offered at some levels and with some services. */
export interface Toolbox {
  /** The tool `name` if the agent's level and the run's services have it. */
  find(name: string, offer: Offer): Tool | undefined;
  /** What an agent is offered; for equal offers the same array every time, since prompts are cached by their beginning. */
  offered(offer: Offer): readonly ToolSpec[];
}

const isThere = ({ levels, service }: Tool, { level, services }: Offer): boolean =>
  levels.includes(level) && (service === undefined || services.includes(service));

export const toolboxOf = (tools: readonly Tool[]): Toolbox => {
  const byName: ReadonlyMap<string, Tool> = new Map(tools.map((tool) => [tool.name, tool]));
  const offered = new Map<string, readonly ToolSpec[]>();
  return {
    find: (name, offer) => {
      const tool = byName.get(name);
      return tool !== undefined && isThere(tool, offer) ? tool : undefined;
    },
    offered: (offer) => {
      const there = tools.filter((tool) => isThere(tool, offer) && (offer.reviews || tool !== review));
      const key = there.map((tool) => tool.name).join(' ');
      let specs = offered.get(key);
      if (specs === undefined) {
        specs = there.map(toolSpec);
        offered.set(key, specs);
      }
      return specs;
    },
  };
};

/** The tools of a society. */
export const societyTools: Toolbox = toolboxOf(TOOLS);

export const toolsFor = (offer: Offer): readonly ToolSpec[] => societyTools.offered(offer);
