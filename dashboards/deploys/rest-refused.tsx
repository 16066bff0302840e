import type { Problem } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";
import { restOf } from "./problem-fields.ts";

type RestProps = { problem: Problem | undefined; fields: readonly string[] };

/** Why a request was refused, as far as none of the fields says so. */
export function RestRefused({ problem, fields }: RestProps) {
  const rest = restOf(problem, fields);
  return rest === undefined ? null : (
    <p className="form-error" role="alert">
      <Untrusted text={rest} charactersMax={1_000} />
    </p>
  );
}
