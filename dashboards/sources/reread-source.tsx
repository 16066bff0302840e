"use client";

import { useId, useState } from "react";

import { useResource } from "../client/use-resource.ts";
import { ChangeRefused } from "./change-refused.tsx";
import { RereadAnswer } from "./reprocessing-messages.ts";
import { RereadOutput } from "./reread-result.tsx";
import { useChange } from "./use-change.ts";
import { useReading } from "./use-reading.ts";

const SINCE: readonly Choice[] = [
  { value: "now-1h", title: "the last hour" },
  { value: "now-24h", title: "the last day" },
  { value: "now-7d", title: "the last week" },
  { value: "", title: "any time" },
];

/** Reads all stored lines of a source again, and shows what they have become. */
export function RereadSource({ source }: { source: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Read its stored lines again</summary>
      {isOpen ? <Reread source={source} /> : null}
    </details>
  );
}

function Reread({ source }: { source: string }) {
  const { data, reload } = useResource(RereadAnswer, "/api/sources/reread");
  const [from, setFrom] = useState("now-24h");
  const [format, setFormat] = useState("");
  const change = useChange();
  const reading = useReading(data?.reprocessing, reload);
  const body = { source, ...(format !== "" && { format }), ...(from !== "" && { from }) };
  const formats = (data?.formats ?? []).map((name) => ({ value: name, title: name }));
  return (
    <div className="source-reread">
      <p className="quiet">
        A format applies to lines that are read from now on. Lines that are stored can be read in it
        too: each event is replaced in its place.
      </p>
      <Select label="Lines of" value={from} choices={SINCE} onValue={setFrom} />
      <Select
        label="In the format"
        value={format}
        choices={[{ value: "", title: "the chosen format, or as before" }, ...formats]}
        onValue={setFormat}
      />
      <button
        type="button"
        disabled={!data || reading.isRunning || change.isBusy}
        onClick={() =>
          change.run({ method: "POST", url: "/api/sources/reread", body }, reading.started)
        }
      >
        Read them again
      </button>
      <RereadOutput reading={reading} />
      <ChangeRefused change={change} />
    </div>
  );
}

type Choice = { value: string; title: string };

type SelectProps = {
  label: string;
  value: string;
  choices: readonly Choice[];
  onValue: (value: string) => void;
};

function Select({ label, value, choices, onValue }: SelectProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={({ target }) => onValue(target.value)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.title}
          </option>
        ))}
      </select>
    </div>
  );
}
