"use client";

import { parseAsInteger } from "nuqs";
import { type FormEvent, useState } from "react";

import { useUrlState } from "#dashboards/client/url-state.ts";
import { ChangeRefused } from "#dashboards/sources/change-refused.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import type { EdgeConfigurationView } from "../edge-messages.ts";
import { ReasonField } from "../reason-field.tsx";
import { StateWord } from "../stand.tsx";
import { TemplateEditor } from "./template-editor.tsx";
import { nameOf } from "./version-name.ts";

type Version = EdgeConfigurationView["versions"][number];
type SectionProps = {
  configuration: EdgeConfigurationView | null;
  mayConfigure: boolean;
  nowMs: number | undefined;
};

/** The template of all nodes: its versions, and the editor. */
export function ConfigurationSection({ configuration, mayConfigure, nowMs }: SectionProps) {
  const [{ edit }, set] = useUrlState({ edit: parseAsInteger });
  if (configuration === null) return <LocalEdge />;
  const { current, versions } = configuration;
  const isEditing = edit !== null && mayConfigure;
  const open = (version: number): void => void set({ edit: version });
  return (
    <section aria-label="Configuration">
      <div className="deploys-list-head">
        <h2>Configuration</h2>
        {mayConfigure && !isEditing ? (
          <button type="button" onClick={() => open(current)}>
            Edit
          </button>
        ) : null}
      </div>
      <p>All nodes have {nameOf(current)}.</p>
      <Progress configuration={configuration} />
      {isEditing ? (
        <TemplateEditor current={current} from={edit} onClose={() => void set({ edit: null })} />
      ) : null}
      {versions.length === 0 ? null : (
        <table className="cards">
          <caption className="visually-hidden">Versions of the configuration, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">State</th>
              <th scope="col">Why</th>
              <th scope="col">By</th>
              <th scope="col">Begun</th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <VersionRow
                key={version.number}
                version={version}
                isCurrent={version.number === current}
                // Another one would take the place of the draft.
                actions={mayConfigure ? { open: isEditing ? undefined : open } : undefined}
                nowMs={nowMs}
              />
            ))}
          </tbody>
        </table>
      )}
      {mayConfigure && current !== 0 ? <RollBack version={0} /> : null}
    </section>
  );
}

const LocalEdge = () => (
  <section aria-label="Configuration">
    <h2>Configuration and cache</h2>
    <p>
      This is the local edge: it has no configuration to edit and no cache. For both, install
      HAProxy and Varnish (<code>apt-get install haproxy varnish</code>), and start Quarterdeck with{" "}
      <code>QUARTERDECK_EDGE=haproxy</code>.
    </p>
  </section>
);

const PROGRESS = {
  waits: "○ waits",
  reloads: "◔ gets it",
  "is-checked": "◔ is checked",
  "is-observed": "◔ is observed, before the others get it",
  "has-it": "✓ has it",
  failed: "✕ failed",
  "goes-back": "◔ goes back",
  "is-back": "○ is back",
} as const;

/** How far each node is with the newest version. */
function Progress({
  configuration: { versions, progress },
}: {
  configuration: EdgeConfigurationView;
}) {
  const [newest] = versions;
  if (newest?.state !== "applying") return null;
  return (
    <output className="template-progress">
      <b>Version {newest.number} is being applied.</b>
      {progress.map(({ node, progress: now }) => (
        <span key={node}>
          <Untrusted text={node} charactersMax={60} /> {PROGRESS[now]}
        </span>
      ))}
    </output>
  );
}

type RowProps = {
  version: Version;
  isCurrent: boolean;
  actions: { open: ((version: number) => void) | undefined } | undefined;
  nowMs: number | undefined;
};

function VersionRow({ version, isCurrent, actions, nowMs }: RowProps) {
  const { number, author, reason, atMs, repeats, failure } = version;
  return (
    <tr aria-current={isCurrent || undefined}>
      <th scope="row">{number}</th>
      <td data-label="State">
        <VersionState version={version} isCurrent={isCurrent} />
        {failure === null ? null : (
          <p className="quiet">
            <Untrusted text={failure} charactersMax={400} />
          </p>
        )}
      </td>
      <td data-label="Why">
        <Untrusted text={reason} charactersMax={200} />
        {repeats === null ? null : <span className="quiet"> ({nameOf(repeats)} again)</span>}
      </td>
      <td data-label="By">
        <Untrusted text={author} charactersMax={60} />
      </td>
      <td data-label="Begun">
        <Ago atMs={atMs} nowMs={nowMs} />
      </td>
      <td className="row-end">
        {actions ? (
          <>
            {actions.open ? (
              <button type="button" onClick={() => actions.open?.(number)}>
                Open {number}
              </button>
            ) : null}
            {isCurrent || version.state === "applying" ? null : <RollBack version={number} />}
          </>
        ) : null}
      </td>
    </tr>
  );
}

function VersionState({ version: { state }, isCurrent }: Pick<RowProps, "version" | "isCurrent">) {
  return <StateWord {...(isCurrent ? CURRENT : STATES[state])} />;
}

const CURRENT = { shape: "✓", word: "current", tone: "ok" };
const STATES = {
  applying: { shape: "◔", word: "being applied", tone: "now" },
  applied: { shape: "○", word: "was applied", tone: "none" },
  "went-back": { shape: "✕", word: "went back", tone: "bad" },
};

/** Asks for the reason, and gives a version to all nodes again. */
function RollBack({ version }: { version: number }) {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const change = useChange();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = { version, reason };
    const url = "/api/edge/template/roll-back";
    change.run({ method: "POST", url, body }, () => setOpen(false));
  };
  if (!isOpen) {
    return (
      <button type="button" onClick={() => setOpen(true)}>
        Roll back to {version} …
      </button>
    );
  }
  return (
    <form className="deploy-form" aria-label={`Roll back to ${nameOf(version)}`} onSubmit={submit}>
      <p>All nodes get {nameOf(version)}, after the same checks.</p>
      <ReasonField value={reason} usual={["errors", "complaints"]} onValue={setReason} />
      <ChangeRefused change={change} />
      <div className="row">
        <button type="submit" className="primary" disabled={change.isBusy}>
          Roll back
        </button>
        <button type="button" onClick={() => setOpen(false)}>
          Cancel
        </button>
      </div>
    </form>
  );
}
