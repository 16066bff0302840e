import type { Slot } from "#deployer/drivers.ts";

import { NO_ADDRESS, parseAddress, serverOf, WEIGHT } from "./render-node.ts";

/** A command, and what HAProxy replies if it has done it; undefined: nothing. */
export type Command = { text: string; expected?: RegExp };

export type SlotCommands = {
  /** For slots that get traffic, or may get it next. */
  entering: readonly Command[];
  /** For slots that lose it. */
  leaving: readonly Command[];
};

const RANK = { maint: 0, drain: 1, ready: 2 } as const;
const ADDRESS_CHANGED = /changed from|no need to change/;

/**
 * What changes the slots of a backend from how they run to how they shall be; another address needs `maint`. `isChecked`
 * is false for a worker that an earlier configuration left behind: it has no health checks any more, so its slots would
 * never be up again.
 */
export function slotCommands(
  backend: string,
  { running, wanted }: { running: readonly Slot[]; wanted: readonly Slot[] },
  isChecked = true,
): SlotCommands {
  const entering: Command[] = [];
  const leaving: Command[] = [];
  for (const [index, slot] of wanted.entries()) {
    const name = `${backend}/${serverOf(index)}`;
    const { address, state } = running[index] ?? slot;
    if (slot.address !== address) entering.push(addressCommand(name, slot.address));
    if (RANK[slot.state] > RANK[state]) entering.push(...enter(name, { state, slot, isChecked }));
    if (RANK[slot.state] < RANK[state])
      leaving.push({ text: `set server ${name} state ${slot.state}` });
  }
  return { entering, leaving };
}

function enter(
  name: string,
  { state, slot, isChecked }: { state: Slot["state"]; slot: Slot; isChecked: boolean },
): Command[] {
  const drain = `set server ${name} state drain`;
  const commands: Command[] = [];
  // Otherwise it would be up by the checks that the task before it has passed. Both in one request: a reader that came
  // between them would see it up.
  if (state === "maint")
    commands.push({ text: isChecked ? `${drain}; set server ${name} health down` : drain });
  if (slot.state !== "ready") return commands;
  // It was started without a weight if it was drained then.
  const weight = { text: `set server ${name} weight ${WEIGHT}` };
  return [...commands, weight, { text: `set server ${name} state ready` }];
}

function addressCommand(name: string, address: string | null): Command {
  const parsed = address === null ? NO_ADDRESS : parseAddress(address);
  if (parsed === undefined) throw new Error(`"${address}" is no address`);
  const { host, port } = parsed;
  return { text: `set server ${name} addr ${host} port ${port}`, expected: ADDRESS_CHANGED };
}
