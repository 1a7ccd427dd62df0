/** The roster's state machine without a store: commands one after the other. */
import {
  applyCommand,
  Draft,
  emptyRoster,
  fold,
  limitsWith,
  lookDue,
  type CommandArgs,
  type CommandName,
  type CommandResult,
  type LimitsInput,
  type LookRequest,
  type RosterState,
  type TerminateArgs,
} from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';

export class Machine {
  state: RosterState = emptyRoster();

  do<Name extends CommandName>(name: Name, args: CommandArgs<Name>): CommandResult<Name> {
    const { result, changes } = applyCommand(this.state, name, args);
    this.state = fold(this.state, structuredClone(changes));
    return result;
  }

  lookDue(args: TerminateArgs): LookRequest | null {
    return lookDue(new Draft(this.state), args);
  }

  get slots(): number {
    return [...this.state.agents.values()].reduce((sum, agent) => sum + agent.slots, 0);
  }
}

export const foundedMachine = (
  plan = planWith([{ name: 'A' }]),
  agentsMax = 20,
  limits: LimitsInput = {},
  reviews = true,
): Machine => {
  const machine = new Machine();
  machine.do('found', { plan, shards: 2, reviews, limits: limitsWith({ depthMax: 20, ...limits, agentsMax }) });
  return machine;
};
