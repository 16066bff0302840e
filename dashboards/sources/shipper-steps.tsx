"use client";

import { type FormEvent, useState } from "react";
import { z } from "zod";

import type { Problem } from "../api.ts";
import { asProblem, fetchJson, jsonBody } from "../client/fetch-json.ts";
import { useCopy } from "../client/use-copy.ts";
import { formatAge } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import type { SourcesAnswer } from "./messages.ts";
import { RECEIVER_SETTINGS, type Shipper, targetOf } from "./shippers.ts";
import type { SourcesViewState } from "./use-sources-view.ts";

const CreatedToken = z.object({ token: z.object({ name: z.string() }), secret: z.string() });

type StepsProps = { shipper: Shipper; view: SourcesViewState; answer: SourcesAnswer };

/** How to send with a shipper: the receiver, a token, the configuration, and whether events arrive. */
export function ShipperSteps({ shipper, view, answer }: StepsProps) {
  const [secret, setSecret] = useState<string>();
  const target = targetOf(shipper, answer.listening);
  const isReady = shipper.receiver !== "http" || secret !== undefined;
  if (!target) return <NotListening shipper={shipper} />;
  return (
    <>
      <p>
        Quarterdeck is listening at <code>{target.url}</code>.
      </p>
      {shipper.receiver === "http" ? (
        <TokenForm
          name={shipper.id}
          isMade={secret !== undefined}
          onToken={(name, made) => {
            setSecret(made);
            void view.set({ source: `token/${name}` }, { history: "replace" });
          }}
        />
      ) : null}
      {isReady ? (
        <>
          <Snippet
            where={shipper.where}
            text={shipper.snippet({ ...target, token: secret ?? "" })}
          />
          <Arrival answer={answer} source={view.source} />
        </>
      ) : null}
    </>
  );
}

function NotListening({ shipper: { receiver } }: Pick<StepsProps, "shipper">) {
  const setting = RECEIVER_SETTINGS[receiver];
  return (
    <>
      <p>
        Nothing listens for this yet. Ports are closed until a setting opens them: start Quarterdeck
        once with
      </p>
      <pre className="source-raw">{setting} npm start</pre>
      <p className="quiet">
        Only programs of this machine can send then; .env.example states how others can, and where
        to keep the setting. This page goes on by itself as soon as it listens.
      </p>
    </>
  );
}

type TokenFormProps = {
  name: string;
  isMade: boolean;
  onToken: (name: string, secret: string) => void;
};

function TokenForm({ name, isMade, onToken }: TokenFormProps) {
  const [problem, setProblem] = useState<Problem>();
  const [chosen, setChosen] = useState(name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    const request = jsonBody("POST", { name: chosen.trim() });
    fetchJson(CreatedToken, "/api/push-tokens", request).then(
      (made) => onToken(made.token.name, made.secret),
      (error: unknown) => setProblem(asProblem(error)),
    );
  };
  if (isMade) {
    return (
      <p>
        The token is in the configuration below. It is shown only now: Quarterdeck keeps a hash of
        it.
      </p>
    );
  }
  return (
    <form className="quarantine-path" onSubmit={submit}>
      <label>
        Name of its token{" "}
        <input
          value={chosen}
          required
          maxLength={80}
          onChange={({ target }) => setChosen(target.value)}
        />
      </label>
      <button type="submit" className="primary">
        Make a token
      </button>
      {problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={problem.detail ?? problem.title} />
        </p>
      ) : null}
    </form>
  );
}

function Snippet({ where, text }: { where: string; text: string }) {
  const { outcome, copy } = useCopy();
  return (
    <figure>
      <figcaption>
        For <code>{where}</code>
      </figcaption>
      <pre className="source-raw">{text}</pre>
      <button type="button" onClick={() => copy(text)}>
        Copy
      </button>{" "}
      <output>{outcome}</output>
    </figure>
  );
}

/** Whether events arrive from the watched source. */
function Arrival({ answer, source }: { answer: SourcesAnswer; source: string | null }) {
  const row = answer.detail?.row.source === source ? answer.detail?.row : undefined;
  const arrivedMs = row?.arrivedMs ?? null;
  return (
    <output className="live" data-status={arrivedMs === null ? "connecting" : "live"}>
      <span className="dot" aria-hidden="true" />
      {arrivedMs === null
        ? "Listening … no event yet"
        : `Listening … last event ${formatAge(Math.max(0, answer.atMs - arrivedMs))}`}
    </output>
  );
}
