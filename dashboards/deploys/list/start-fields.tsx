"use client";

import type { Problem } from "#dashboards/api.ts";
import { Labelled } from "#dashboards/sources/form-field.tsx";

import { STRATEGIES } from "../messages.ts";
import { errorOf } from "../problem-fields.ts";
import { ReasonField } from "../reason-field.tsx";
import type { StartValues } from "./start-request.ts";

type FieldsProps = {
  workloads: readonly string[];
  values: StartValues;
  problem: Problem | undefined;
  onValues: (changed: Partial<StartValues>) => void;
};

/** The fields that say themselves what is wrong with them. */
export const FIELDS = ["workload", "release", "strategy", "count", "migrations", "reason"] as const;

export function StartFields(props: FieldsProps) {
  const { workloads, values, problem, onValues } = props;
  return (
    <>
      <div className="deploy-fields">
        <Labelled title="Workload" help="What is deployed." error={errorOf(problem, "workload")}>
          {(attributes) => (
            <select
              {...attributes}
              value={values.workload}
              onChange={({ target }) => onValues({ workload: target.value })}
            >
              {workloads.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled
          title="Release"
          help="The name of its folder, or the tag of its image."
          error={errorOf(problem, "release")}
        >
          {(attributes) => (
            <input
              {...attributes}
              value={values.release}
              required
              maxLength={100}
              spellCheck={false}
              autoComplete="off"
              onChange={({ target }) => onValues({ release: target.value })}
            />
          )}
        </Labelled>
        <ReasonField
          value={values.reason}
          error={errorOf(problem, "reason")}
          onValue={(reason) => onValues({ reason })}
        />
      </div>
      <More {...props} />
    </>
  );
}

function More({ values, problem, onValues }: FieldsProps) {
  const hasError = ["strategy", "count", "migrations"].some(
    (it) => errorOf(problem, it) !== undefined,
  );
  return (
    <details open={hasError || undefined}>
      <summary>Strategy, tasks, migrations</summary>
      <div className="deploy-fields">
        <Labelled
          title="Strategy"
          help="How traffic moves to the new release."
          error={errorOf(problem, "strategy")}
        >
          {(attributes) => (
            <select
              {...attributes}
              value={values.kind}
              onChange={({ target }) =>
                onValues({ kind: STRATEGIES.find((it) => it === target.value) ?? "" })
              }
            >
              <option value="">Default</option>
              {STRATEGIES.map((kind) => (
                <option key={kind}>{kind}</option>
              ))}
            </select>
          )}
        </Labelled>
        <Labelled
          title="Tasks (optional)"
          help="By default as many as serve now, and at least those of its settings."
          error={errorOf(problem, "count")}
        >
          {(attributes) => (
            <input
              {...attributes}
              inputMode="numeric"
              value={values.count}
              maxLength={4}
              onChange={({ target }) => onValues({ count: target.value })}
            />
          )}
        </Labelled>
        <Migrations values={values} problem={problem} onValues={onValues} />
      </div>
    </details>
  );
}

function Migrations({ values, problem, onValues }: Omit<FieldsProps, "workloads">) {
  return (
    <fieldset>
      <legend>Migrations</legend>
      {(["expand", "contract"] as const).map((kind) => (
        <label key={kind} className="check">
          <input
            type="checkbox"
            checked={values[kind]}
            onChange={({ target }) => onValues({ [kind]: target.checked })}
          />{" "}
          {kind === "expand" ? "expand, before the new tasks" : "contract, after the old tasks"}
        </label>
      ))}
      {errorOf(problem, "migrations") === undefined ? null : (
        <p className="field-error">{errorOf(problem, "migrations")}</p>
      )}
    </fieldset>
  );
}
