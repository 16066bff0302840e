import { COLOURS, type EdgeConfig, type NodeView } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

/** A node refuses configurations that are older than its own. @throws AppError conflict */
export function checkNewer(id: string, { version }: EdgeConfig, own: number): void {
  if (version >= own) return;
  const message = `${id} has version ${own} and refuses the older version ${version}.`;
  throw new AppError("conflict", message);
}

/** The address of a slot changes only while it gets no requests. @throws AppError conflict */
export function checkAddresses(
  id: string,
  config: EdgeConfig,
  running: Pick<NodeView, "slots">,
): void {
  for (const colour of COLOURS) {
    for (const [index, slot] of config.slots[colour].entries()) {
      const now = running.slots[colour][index];
      if (now === undefined || now.state === "maint" || now.address === slot.address) continue;
      const name = `${colour} slot ${index + 1}`;
      const message = `${id}: ${name} is ${now.state}; its address changes only in maint.`;
      throw new AppError("conflict", message);
    }
  }
}

/** Whether a configuration has slots that the node lacks, or may lack if it cannot be reached. */
export const hasMoreSlots = (
  config: EdgeConfig,
  running: Pick<NodeView, "slots"> | undefined,
): boolean =>
  COLOURS.some((colour) => config.slots[colour].length > (running?.slots[colour].length ?? 0));
