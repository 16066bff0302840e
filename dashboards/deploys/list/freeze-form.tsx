"use client";

import { type FormEvent, useState } from "react";

import { useRange } from "#dashboards/client/use-range.ts";
import { Labelled } from "#dashboards/sources/form-field.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";
import type { Zone } from "#dashboards/zone.ts";

import { errorOf } from "../problem-fields.ts";
import { ReasonField } from "../reason-field.tsx";
import { RestRefused } from "../rest-refused.tsx";
import { freezeRequest, type FreezeValues, initialFreeze } from "./freeze-request.ts";

type FormProps = {
  /** Those whose deploys the member may freeze. */
  workloads: readonly string[];
  mayFreezeAll: boolean;
  onClose: () => void;
};

const FIELDS = [
  "name",
  "workloads",
  "reason",
  "period.fromMs",
  "period.untilMs",
  "period.start",
  "period.end",
  "period.timezone",
];

/** Adds a time in which no deploy starts, once or again and again. */
export function FreezeForm({ workloads, mayFreezeAll, onClose }: FormProps) {
  const { zone } = useRange();
  const [values, setValues] = useState<FreezeValues>(() =>
    initialFreeze(zone, mayFreezeAll ? "" : (workloads[0] ?? "")),
  );
  const change = useChange();
  const set = (changed: Partial<FreezeValues>): void => setValues({ ...values, ...changed });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = freezeRequest(values, zone);
    change.run({ method: "POST", url: "/api/freezes", body }, onClose);
  };
  return (
    <form className="deploy-form" aria-label="Add a freeze" onSubmit={submit}>
      <p>Deploys that have started go on, and every deploy can be rolled back.</p>
      <div className="deploy-fields">
        <Text name="name" title="Name" help="What the others see." form={{ values, set, change }} />
        <Choices form={{ values, set, change }} workloads={workloads} mayFreezeAll={mayFreezeAll} />
        <PeriodFields form={{ values, set, change }} zone={zone} />
        <ReasonField
          value={values.reason}
          error={errorOf(change.problem, "reason")}
          onValue={(reason) => set({ reason })}
        />
      </div>
      <RestRefused problem={change.problem} fields={FIELDS} />
      <div className="row">
        <button type="submit" className="primary" disabled={change.isBusy}>
          Add it
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

type Form = {
  values: FreezeValues;
  set: (changed: Partial<FreezeValues>) => void;
  change: ReturnType<typeof useChange>;
};

type ChoicesProps = Omit<FormProps, "onClose"> & { form: Form };

function Choices({ form: { values, set, change }, workloads, mayFreezeAll }: ChoicesProps) {
  return (
    <>
      <Labelled
        title="Workloads"
        help="Whose deploys do not start."
        error={errorOf(change.problem, "workloads")}
      >
        {(attributes) => (
          <select
            {...attributes}
            value={values.workload}
            onChange={({ target }) => set({ workload: target.value })}
          >
            {mayFreezeAll ? <option value="">All</option> : null}
            {workloads.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Labelled>
      <Labelled title="When" help="Once, or again and again." error={undefined}>
        {(attributes) => (
          <select
            {...attributes}
            value={values.kind}
            onChange={({ target }) =>
              set({ kind: target.value === "recurring" ? "recurring" : "once" })
            }
          >
            <option value="once">Once</option>
            <option value="recurring">Recurring</option>
          </select>
        )}
      </Labelled>
    </>
  );
}

function PeriodFields({ form, zone }: { form: Form; zone: Zone }) {
  if (form.values.kind === "once") {
    const where = zone === "utc" ? "In UTC." : "In your time zone.";
    return (
      <>
        <Text
          name="from"
          title="From"
          help={where}
          path="period.fromMs"
          type="datetime-local"
          form={form}
        />
        <Text
          name="until"
          title="Until"
          help={where}
          path="period.untilMs"
          type="datetime-local"
          form={form}
        />
      </>
    );
  }
  const cron = "Minute, hour, day, month, day of the week:";
  return (
    <>
      <Text
        name="start"
        title="Starts"
        help={`${cron} 0 16 * * 5 is Friday 16:00.`}
        path="period.start"
        form={form}
      />
      <Text
        name="end"
        title="Ends"
        help={`${cron} 0 7 * * 1 is Monday 7:00.`}
        path="period.end"
        form={form}
      />
      <Text
        name="timezone"
        title="Time zone"
        help="Such as Europe/Madrid."
        path="period.timezone"
        form={form}
      />
    </>
  );
}

type TextProps = {
  name: "name" | "from" | "until" | "start" | "end" | "timezone";
  title: string;
  help: string;
  /** The field of the request, if it is called otherwise. */
  path?: string;
  type?: "text" | "datetime-local";
  form: Form;
};

function Text({ name, title, help, path = name, type = "text", form }: TextProps) {
  const { values, set, change } = form;
  return (
    <Labelled title={title} help={help} error={errorOf(change.problem, path)}>
      {(attributes) => (
        <input
          {...attributes}
          type={type}
          value={values[name]}
          required
          maxLength={200}
          autoComplete="off"
          onChange={({ target }) => set({ [name]: target.value })}
        />
      )}
    </Labelled>
  );
}
