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

const byName: ReadonlyMap<string, Tool> = new Map(TOOLS.map((tool) => [tool.name, tool]));

export const TOOL_NAMES: readonly string[] = TOOLS.map((tool) => tool.name);

/** The tool `name` if it is offered at `level`. */
export const toolFor = (name: string, level: Level): Tool | undefined => {
  const tool = byName.get(name);
  return tool?.levels.includes(level) === true ? tool : undefined;
};

const offered = new Map<Level, readonly ToolSpec[]>();

/** What an agent of `level` is offered; the same array every time, since prompts are cached by their beginning. */
export const toolsFor = (level: Level): readonly ToolSpec[] => {
  let specs = offered.get(level);
  if (specs === undefined) {
    specs = TOOLS.filter((tool) => tool.levels.includes(level)).map(toolSpec);
    offered.set(level, specs);
  }
  return specs;
};
