"use client";

import { useState } from "react";

import { useResource } from "../client/use-resource.ts";
import { ConfirmedChange } from "./confirmed-change.tsx";
import { SourceKindsAnswer } from "./edit-messages.ts";
import type { FormValues } from "./entry.ts";
import { ManageToken } from "./manage-token.tsx";
import type { SourceDetail } from "./messages.ts";
import { SourceForm } from "./source-form.tsx";
import type { SourcesViewState } from "./use-sources-view.ts";

/** Events that are pushed with a token name it as their source. */
const TOKEN = "token/";

type ManageProps = { detail: SourceDetail; view: SourcesViewState };

/** Changing and removing a source. Of one that was named at start only reading can be stopped. */
export function ManageSource({ detail, view }: ManageProps) {
  const { origin, source } = detail.row;
  if (origin === "pushed") {
    if (!source.startsWith(TOKEN)) return null;
    return <ManageToken name={source.slice(TOKEN.length)} view={view} />;
  }
  return (
    <section>
      <h3>Manage</h3>
      {origin === "file" ? <ChangeSource detail={detail} view={view} /> : null}
      <RemoveSource detail={detail} view={view} />
    </section>
  );
}

function ChangeSource({ detail, view }: ManageProps) {
  const [isOpen, setOpen] = useState(false);
  const [isSaved, setSaved] = useState(false);
  return (
    <>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Change it</summary>
        {isOpen ? (
          <ChangeForm
            detail={detail}
            onDone={(source) => {
              setOpen(false);
              setSaved(true);
              void view.set({ source });
            }}
          />
        ) : null}
      </details>
      <output>
        {isSaved && !isOpen
          ? "Saved. It applies to what is read from now on; stored lines can be read again below."
          : null}
      </output>
    </>
  );
}

type ChangeFormProps = { detail: SourceDetail; onDone: (source: string) => void };

function ChangeForm({ detail: { row, properties }, onDone }: ChangeFormProps) {
  const { data } = useResource(SourceKindsAnswer, "/api/source-kinds");
  const kind = data?.kinds.find((it) => it.kind === row.kind);
  if (!kind) return <p>Loading</p>;
  const secrets = new Set(kind.fields.filter(({ isSecret }) => isSecret).map(({ name }) => name));
  const values: FormValues = Object.fromEntries(
    properties
      .filter(({ name }) => !secrets.has(name))
      .map(({ name, values: texts }) => [name, textOf(kind.fields, name, texts)]),
  );
  return <SourceForm kind={kind} known={[]} before={{ id: row.source, values }} onDone={onDone} />;
}

function textOf(
  fields: SourceKindsAnswer["kinds"][number]["fields"],
  name: string,
  texts: readonly string[],
): string {
  const text = texts.join("\n");
  if (fields.find((field) => field.name === name)?.type !== "switch") return text;
  return text === "true" ? "on" : "";
}

function RemoveSource({ detail: { row }, view }: ManageProps) {
  const { source, origin } = row;
  const at = `?source=${encodeURIComponent(source)}`;
  const request =
    origin === "file"
      ? { method: "DELETE", url: `/api/sources${at}` }
      : { method: "PUT", url: `/api/excluded-paths${at}`, body: { isExcluded: true } };
  return (
    <div className="source-remove">
      <ConfirmedChange
        label={origin === "file" ? "Remove it" : "Stop reading it"}
        consequence="It is no longer read. Events that were read stay, and if it is added again, reading goes on where it ended."
        request={request}
        onDone={() => void view.set({ source: null })}
      />
    </div>
  );
}
