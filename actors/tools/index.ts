/** The tools of this version, by name, and what is offered to whom. */
import type { ToolSpec } from '../../src/model/types.ts';
import type { Level } from '../../src/society/index.ts';
import { addAgent } from './add-agent.ts';
import { appendFile, listFiles, readFile, writeFile } from './files.ts';
import { talk } from './talk.ts';
import { changeTaskStatus, review, terminate } from './tasks.ts';
import { toolSpec, type Tool } from './tool.ts';

// A tool's own arguments are checked by its own schema before it runs, so the list need not know them.
const TOOLS = [
  addAgent,
  talk,
  readFile,
  writeFile,
  appendFile,
  listFiles,
  changeTaskStatus,
  review,
  terminate,
] as unknown as readonly Tool[];

export const TOOL_NAMES: readonly string[] = TOOLS.map((tool) => tool.name);

/** What agents can do: a set of tools, each offered at some levels. */
export interface Toolbox {
  /** The tool `name` if it is offered at `level`. */
  find(name: string, level: Level): Tool | undefined;
  /**
   * What an agent of `level` is offered; the same array every time, since prompts are cached by their beginning.
   * @param reviews whether work is reviewed in this run
   */
  offered(level: Level, reviews: boolean): readonly ToolSpec[];
}

export const toolboxOf = (tools: readonly Tool[]): Toolbox => {
  const byName: ReadonlyMap<string, Tool> = new Map(tools.map((tool) => [tool.name, tool]));
  const offered = new Map<string, readonly ToolSpec[]>();
  return {
    find: (name, level) => {
      const tool = byName.get(name);
      return tool?.levels.includes(level) === true ? tool : undefined;
    },
    offered: (level, reviews) => {
      const key = `${level} ${reviews}`;
      let specs = offered.get(key);
      if (specs === undefined) {
        specs = tools.filter((tool) => tool.levels.includes(level) && (reviews || tool !== review)).map(toolSpec);
        offered.set(key, specs);
      }
      return specs;
    },
  };
};

/** The tools of a society. */
export const societyTools: Toolbox = toolboxOf(TOOLS);

export const toolsFor = (level: Level, reviews: boolean): readonly ToolSpec[] => societyTools.offered(level, reviews);
