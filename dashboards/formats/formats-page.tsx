"use client";

import { useSearchParams } from "next/navigation";
import { useState } from "react";

import type { ProblemsMessage } from "../api.ts";
import { useRange } from "../client/use-range.ts";
import { useResource } from "../client/use-resource.ts";
import { Empty, Failed } from "../panels/message.tsx";
import { Shell } from "../shell/shell.tsx";
import type { Theme } from "../shell/theme.ts";
import { Quarantine } from "../sources/quarantine-messages.ts";
import { Untrusted } from "../untrusted.tsx";
import { FormatEditor } from "./format-editor.tsx";
import { FormatsAnswer, type UserFormat } from "./messages.ts";

const FORBIDDEN = 403;

/** Formats of users: a pattern is tried while it is written, saved, and used for files. */
export function FormatsPage({ theme, problems }: { theme: Theme; problems: ProblemsMessage }) {
  const { data, problem, reload } = useResource(FormatsAnswer, "/api/formats");
  const range = useRange();
  return (
    <Shell
      page="formats"
      theme={theme}
      problems={problems}
      range={range}
      shown={undefined}
      demo={false}
      reload={reload}
    >
      <div className="formats">
        <h1>Formats</h1>
        {problem && !data ? (
          problem.status === FORBIDDEN ? (
            <Empty title="You may not change formats">
              <p>
                Ask an owner for the grant <code>manage source:*</code>.
              </p>
            </Empty>
          ) : (
            <Failed problem={problem} retry={reload} />
          )
        ) : null}
        {!data && !problem ? <p aria-busy="true">Loading the formats</p> : null}
        {data ? <WithSamples answer={data} reload={reload} /> : null}
      </div>
    </Shell>
  );
}

/** The page of the quarantine names the reason of the lines that a format is made for. */
function WithSamples({ answer, reload }: Omit<FormatsProps, "samples">) {
  const parameters = useSearchParams();
  const reason = parameters.get("reason");
  return reason === null ? (
    <Formats answer={answer} reload={reload} samples="" />
  ) : (
    <Quarantined reason={reason} path={parameters.get("path")} answer={answer} reload={reload} />
  );
}

type QuarantinedProps = Omit<FormatsProps, "samples"> & { reason: string; path: string | null };

function Quarantined({ reason, path, answer, reload }: QuarantinedProps) {
  const search = path === null ? "" : `?path=${encodeURIComponent(path)}`;
  const { data, problem } = useResource(Quarantine, `/api/quarantine${search}`);
  if (!data && !problem) return <p aria-busy="true">Loading the lines</p>;
  const found = data?.reasons.find((it) => it.reason === reason)?.samples ?? [];
  const samples = found.map(({ line }) => line).join("\n");
  return <Formats answer={answer} reload={reload} samples={samples} />;
}

type FormatsProps = {
  answer: FormatsAnswer;
  reload: () => void;
  /** Lines to begin with. */
  samples: string;
};

function Formats({ answer, reload, samples }: FormatsProps) {
  const parameters = useSearchParams();
  const [chosen, setChosen] = useState(parameters.get("name"));
  const path = parameters.get("path");
  const blank: UserFormat = { name: "", pattern: "", paths: path === null ? [] : [path] };
  const format = answer.formats.find(({ name }) => name === chosen) ?? blank;
  return (
    <>
      <p className="formats-lead">
        Describe lines that no built-in format reads by a pattern. Paste some of them, and see their
        fields while you type.
      </p>
      {answer.problem === null ? null : (
        <p className="form-error" role="alert">
          <Untrusted text={answer.problem} charactersMax={2_000} />
        </p>
      )}
      {answer.formats.length === 0 ? null : (
        <nav className="formats-list" aria-label="Your formats">
          {answer.formats.map(({ name }) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === format.name}
              onClick={() => setChosen(name)}
            >
              {name}
            </button>
          ))}
          <button type="button" aria-pressed={format.name === ""} onClick={() => setChosen(null)}>
            New format
          </button>
        </nav>
      )}
      <FormatEditor
        key={format.name}
        format={format}
        samples={samples}
        patterns={answer.patterns}
        reread={{ reprocessing: answer.reprocessing, reload }}
        onSaved={(name) => {
          setChosen(name);
          reload();
        }}
        onRemoved={() => {
          setChosen(null);
          reload();
        }}
      />
    </>
  );
}
