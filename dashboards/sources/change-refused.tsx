import { Untrusted } from "../untrusted.tsx";
import type { Change } from "./use-change.ts";

/** Why a change was refused, if it was. */
export function ChangeRefused({ change: { problem } }: { change: Change }) {
  if (!problem) return null;
  return (
    <p className="form-error" role="alert">
      <Untrusted text={problem.detail ?? problem.title} />
    </p>
  );
}
