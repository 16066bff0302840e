"use client";

import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { useState } from "react";

import { useResource } from "../client/use-resource.ts";
import { Empty, Failed } from "../panels/message.tsx";
import { PageBar } from "../shell/page-bar.tsx";
import type { Theme } from "../shell/theme.ts";
import { useKeys } from "../shell/use-keys.ts";
import { Untrusted } from "../untrusted.tsx";
import { FormatEditor } from "./format-editor.tsx";
import { FormatsAnswer, type UserFormat } from "./messages.ts";

const FORBIDDEN = 403;

/** Formats of users: a pattern is tried while it is written, saved, and used for files. */
export function FormatsPage({ theme }: { theme: Theme }) {
  const { data, problem, reload } = useResource(FormatsAnswer, "/api/formats");
  const router = useRouter();
  useKeys({ board: () => router.push("/"), explore: () => router.push("/explore") });
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <PageBar theme={theme}>
        <Link href="/sources">Sources</Link>
      </PageBar>
      <main id="main" className="formats" tabIndex={-1}>
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
        {data ? <Formats answer={data} reload={reload} /> : null}
      </main>
    </>
  );
}

type FormatsProps = { answer: FormatsAnswer; reload: () => void };

function Formats({ answer, reload }: FormatsProps) {
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
