/** A runtime that is to be killed: opens a sandbox, starts a program that never ends, and says so. */
import { Sandbox, type SandboxMode } from '../../src/sandbox/index.ts';

const [mode = 'bwrap', content = '', mark = ''] = process.argv.slice(2);
const sandbox = await Sandbox.open({ mode: mode as SandboxMode });
const program = await sandbox.start({ path: 'main.py', args: [mark], files: [{ path: 'main.py', content }] });
let said = '';
while (!said.includes('started')) {
  await program.wait(50);
  const { stdout, stderr } = program.take(false);
  said += stdout;
  if (stderr !== '') throw new Error(stderr);
}
process.stdout.write('started\n');
await program.ended;
