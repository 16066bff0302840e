import { formatExact } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Address } from "../addresses.tsx";
import { ColourName } from "../colour-name.tsx";
import type { EdgeAnswer } from "../fleet-messages.ts";
import { SplitBar } from "../split-bar.tsx";
import { COLOURS, type Colour } from "../words.ts";

type Workload = EdgeAnswer["nodes"][number]["workloads"][number];
type Slot = Workload["slots"]["blue"][number];

/** How a node routes one workload: split, and slots with their tasks. */
export function NodeWorkload({ of }: { of: Workload }) {
  const { workload, url, live, isCurrent, version, shareBp } = of;
  return (
    <article>
      <h3>
        <Untrusted text={workload} charactersMax={100} />{" "}
        <span className="quiet">
          configuration {version}
          {isCurrent ? "" : " · ◔ a newer one is on its way"}
        </span>
      </h3>
      <p>
        Clients reach it at <Address url={url} />
      </p>
      <SplitBar shareBp={shareBp} />
      {COLOURS.map((colour) => (
        <ColourSlots key={colour} colour={colour} isLive={colour === live} of={of} />
      ))}
    </article>
  );
}

type ColourProps = { colour: Colour; isLive: boolean; of: Workload };

function ColourSlots({ colour, isLive, of: { slots, releases } }: ColourProps) {
  const used = slots[colour].filter(({ address }) => address !== null);
  const free = slots[colour].length - used.length;
  return (
    <div className="edge-colour">
      <p>
        <ColourName colour={colour} /> {isLive ? <b>live</b> : null}{" "}
        <Untrusted text={releases[colour] ?? "–"} charactersMax={60} />{" "}
        <span className="quiet">
          {free === 0 ? "no free slot" : `${free} free ${free === 1 ? "slot" : "slots"}`}
        </span>
      </p>
      <ul className="slots">
        {used.map((slot) => (
          <SlotItem key={slot.slot} slot={slot} />
        ))}
      </ul>
    </div>
  );
}

const SLOT_WORDS: Record<Slot["state"], { shape: string; word: string }> = {
  ready: { shape: "✓", word: "gets requests" },
  drain: { shape: "◔", word: "drains" },
  maint: { shape: "○", word: "out of service" },
};

function SlotItem({ slot }: { slot: Slot }) {
  const { slot: name, address, state, isUp, sessions } = slot;
  const isDown = state !== "maint" && !isUp;
  const { shape, word } = isDown ? { shape: "✕", word: "fails its checks" } : SLOT_WORDS[state];
  return (
    <li data-state={isDown ? "down" : state}>
      <b>{name}</b> <code>{address}</code>{" "}
      <span className={isDown ? "error-text" : undefined}>
        {shape} {word}
      </span>{" "}
      <span className="quiet">
        {formatExact(sessions)} open {sessions === 1 ? "session" : "sessions"}
      </span>
    </li>
  );
}
