/**
 * The sandbox room: runs programs that nobody has read. Usable alone:
 *
 *     const sandbox = await Sandbox.open();
 *     const result = await sandbox.run({ path: 'a.py', files: [{ path: 'a.py', content: 'print(6 * 7)' }] });
 *     await sandbox.close();
 */
export {
  AgentPrograms,
  type AgentProgramsOptions,
  type BroughtBack,
  type OwnedFiles,
  type ProgramAnswer,
  type ProgramCall,
  type ProgramFilesReport,
  type ProgramNote,
  type ProgramStarter,
} from './agent-programs.ts';
export type { ChangedFile, FileChanges, GivenFile, LeftFile, ProgramFiles, SeenFile } from './files.ts';
export { parseProgram, type ParseResult } from './parse.ts';
export { programLimitsSchema, type ProgramLimits, type ProgramLimitsInput } from './limits.ts';
export type { Holding } from './probe.ts';
export type { EndedBy, ProgramEnd, ProgramOutput, RunningProgram } from './program.ts';
export { NO_PROGRAMS, withEnd, withStart, type ProgramTally } from './program-tally.ts';
export { Sandbox, type ProgramRequest, type ProgramResult, type SandboxMode, type SandboxOptions } from './sandbox.ts';
export { MegactorError } from '../protocol/errors.ts';
