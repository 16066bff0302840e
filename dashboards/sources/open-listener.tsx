"use client";

import { type FormEvent, useState } from "react";

import { Labelled } from "./form-field.tsx";
import type { SourcesAnswer } from "./messages.ts";
import { LISTENERS, type ListenerScheme } from "./shippers.ts";
import { errorOf, Refusal } from "./source-form.tsx";
import { useChange } from "./use-change.ts";

const ADDRESSES = {
  "127.0.0.1": "programs of this machine only",
  "0.0.0.0": "other machines too, without a token",
} as const;

type OpenProps = {
  scheme: ListenerScheme;
  answer: SourcesAnswer;
  onOpen: (source: string) => void;
};

/** Opens the port that a shipper needs, as a new entry of the sources file. */
export function OpenListener({ scheme, answer, onOpen }: OpenProps) {
  const { kind, transport, port: usual } = LISTENERS[scheme];
  const [port, setPort] = useState(String(usual));
  const [address, setAddress] = useState<string>("127.0.0.1");
  const change = useChange();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const id = freeId(scheme.replace("+", "-"), answer);
    const properties = { transport, port: Number(port), address };
    const request = { method: "POST", url: "/api/sources", body: { id, kind, properties } };
    change.run(request, () => onOpen(id));
  };
  return (
    <form className="source-form" onSubmit={submit}>
      <p>It needs a port of Quarterdeck, which is not open yet.</p>
      <Labelled
        title={`Port (${transport.toUpperCase()})`}
        help="Any port that no other program uses."
        error={errorOf(change.problem, "body.properties.port")}
      >
        {(attributes) => (
          <input
            {...attributes}
            type="number"
            min={1}
            max={65_535}
            required
            value={port}
            onChange={({ target }) => setPort(target.value)}
          />
        )}
      </Labelled>
      <Labelled
        title="Who may send"
        help="If other machines may send, let a firewall admit only yours."
        error={errorOf(change.problem, "body.properties.address")}
      >
        {(attributes) => (
          <select
            {...attributes}
            value={address}
            onChange={({ target }) => setAddress(target.value)}
          >
            {Object.entries(ADDRESSES).map(([value, meaning]) => (
              <option key={value} value={value}>
                {meaning} ({value})
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Refusal problem={change.problem} fields={["port", "address"]} />
      <button type="submit" className="primary" disabled={change.isBusy}>
        Open the port
      </button>
    </form>
  );
}

function freeId(name: string, { rows }: SourcesAnswer): string {
  const taken = new Set(rows.map(({ source }) => source));
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? name : `${name}-${n}`;
    if (!taken.has(id)) return id;
  }
}
