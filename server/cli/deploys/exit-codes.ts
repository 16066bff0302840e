import type { DeploySummary } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";

/** For pipelines; docs/deploys.md lists them. */
export const EXIT = {
  ok: 0,
  error: 1,
  wrongArguments: 2,
  rolledBack: 3,
  held: 4,
  refused: 5,
  failed: 6,
  unreachable: 7,
} as const;

export const EXIT_HELP = `Exit status: 0 succeeded, or accepted without --wait; 2 wrong arguments; 3 rolled back; 4 held: it waits for a person;
5 refused; 6 failed, aborted or expired before it had traffic; 7 Quarterdeck cannot be reached; 1 any other failure.`;

const REFUSED = new Set<AppError["code"]>([
  "unauthenticated",
  "forbidden",
  "not_found",
  "conflict",
  "precondition_failed",
  "unprocessable",
  "too_many_requests",
]);

/** The exit status of a deploy that has ended or is held. */
export function exitOf({ outcome, isHeld }: DeploySummary): number {
  if (isHeld) return EXIT.held;
  if (outcome === "succeeded") return EXIT.ok;
  return outcome === "rolled-back" ? EXIT.rolledBack : EXIT.failed;
}

/** Runs a command, and prints refusals with their exit status. Mistakes in the arguments go on to the caller. */
export async function withExitCodes(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "bad_request") throw error;
    process.stderr.write(`quarterdeck: ${printable(error.message)}\n`);
    if (error.code === "unavailable") return EXIT.unreachable;
    return REFUSED.has(error.code) ? EXIT.refused : EXIT.error;
  }
}
