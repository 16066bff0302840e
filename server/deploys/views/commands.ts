import { COMMANDS, type CommandView, type DeployDetail } from "#dashboards/deploys/messages.ts";
import { obey } from "#deployer/machine/commands.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import { RULES, ruledBy, shareBp } from "#deployer/machine/states.ts";
import { AppError } from "#platform/errors.ts";

/** Which commands fit the deploy now, asked from the machine itself. */
export const commandsOf = (deploy: Deploy, nowMs: number): CommandView[] =>
  COMMANDS.map((kind) => ({ kind, refusal: refusalOf(deploy, kind, nowMs) }));

function refusalOf(deploy: Deploy, kind: CommandView["kind"], nowMs: number): string | null {
  try {
    obey(deploy, { kind, actor: "", reason: "a question" }, nowMs);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

/** How the workload gets back to the release before. */
export function wayBackOf(deploy: Deploy, nowMs: number): DeployDetail["wayBack"] {
  const { from, release } = deploy.plan;
  if (RULES[deploy.state].isTerminal) return afterEnd(deploy);
  if (refusalOf(deploy, "abort", nowMs) === null && ruledBy(deploy) !== "contracting") {
    const text =
      shareBp(deploy) > 0
        ? `There is no earlier release: abort stops the tasks of ${release}, and nothing serves then.`
        : `No user has ${release} yet: abort stops its tasks.`;
    return { command: "abort", text };
  }
  const refusal = refusalOf(deploy, "roll-back", nowMs);
  if (refusal === null) {
    const text = `The tasks of ${from} are ready: roll back returns all traffic to them at once.`;
    return { command: "roll-back", text };
  }
  const { share, wayBack } = RULES[ruledBy(deploy)];
  if (share === "old" && wayBack === "none") return { command: null, text: refusal };
  return again(from);
}

function afterEnd({ state, plan: { from } }: Deploy): DeployDetail["wayBack"] {
  if (state === "succeeded") return again(from);
  const text =
    from === null ? "Nothing serves: it was the first release." : "The release before serves.";
  return { command: null, text };
}

const again = (from: string | null): DeployDetail["wayBack"] =>
  from === null
    ? { command: null, text: "There is no earlier release to go back to." }
    : {
        command: "deploy-again",
        text: `The tasks of ${from} have been stopped. Deploy ${from} again to go back to it.`,
      };
