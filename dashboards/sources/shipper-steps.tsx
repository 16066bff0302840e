"use client";

import { useEffect, useState } from "react";

import { Arrival } from "./arrival.tsx";
import type { SourcesAnswer } from "./messages.ts";
import { OpenListener } from "./open-listener.tsx";
import { type Shipper, targetOf } from "./shippers.ts";
import { Snippet } from "./snippet.tsx";
import { TokenForm } from "./token-form.tsx";
import type { SourcesViewState } from "./use-sources-view.ts";

type StepsProps = { shipper: Shipper; view: SourcesViewState; answer: SourcesAnswer };
type Target = NonNullable<ReturnType<typeof targetOf>>;

const LOOPBACK = /^(?:127\.|\[::1\]|localhost$)/;

/** How to send with a shipper: the receiver, a token, the configuration, and whether events arrive. */
export function ShipperSteps({ shipper, view, answer }: StepsProps) {
  const target = targetOf(shipper, answer.listening, window.location.hostname);
  const { receiver } = shipper;
  if (receiver !== "http") {
    return target ? (
      <>
        <Place target={target} />
        <Snippet where={shipper.where} text={shipper.snippet({ ...target, token: "" })} />
        <Watching source={target.source} view={view} answer={answer} />
      </>
    ) : (
      <OpenListener
        scheme={receiver}
        answer={answer}
        onOpen={(source) => void view.set({ source }, { history: "replace" })}
      />
    );
  }
  return target ? (
    <TokenSteps shipper={shipper} target={target} view={view} answer={answer} />
  ) : (
    <p className="form-error">
      Logs cannot be pushed over HTTP now: the port is turned off by QUARTERDECK_PUSH_PORT, or
      another program uses it. The terminal of Quarterdeck has the reason. This page goes on by
      itself as soon as it listens.
    </p>
  );
}

function TokenSteps({ shipper, target, view, answer }: StepsProps & { target: Target }) {
  const [made, setMade] = useState<{ name: string; secret: string }>();
  return (
    <>
      <Place target={target} />
      <TokenForm
        name={shipper.id}
        isMade={made !== undefined}
        onToken={(name, secret) => setMade({ name, secret })}
      />
      {made ? (
        <>
          <Snippet
            where={shipper.where}
            text={shipper.snippet({ ...target, token: made.secret })}
          />
          <Watching source={`token/${made.name}`} view={view} answer={answer} />
        </>
      ) : null}
    </>
  );
}

const Place = ({ target: { url, host } }: { target: Target }) => (
  <p>
    Quarterdeck is listening at <code>{url}</code>
    {LOOPBACK.test(host) ? ", where only programs of this machine can send." : "."}
  </p>
);

type WatchingProps = { source: string; view: SourcesViewState; answer: SourcesAnswer };

/** Only the opened source is sent in full. */
function Watching({ source, view, answer }: WatchingProps) {
  const { set } = view;
  const isWatched = view.source === source;
  useEffect(() => {
    if (!isWatched) void set({ source }, { history: "replace" });
  }, [isWatched, set, source]);
  return <Arrival answer={answer} source={source} />;
}
