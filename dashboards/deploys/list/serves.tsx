import { Untrusted } from "#dashboards/untrusted.tsx";

import { ColourName } from "../colour-name.tsx";
import type { WorkloadView } from "../messages.ts";
import { COLOURS, type Colour, shareText } from "../words.ts";

type Served = { colour: Colour; release: string; shareBp: number };

const ALL_BP = 10_000;

/** The releases that get requests, the present one first: two of them while a deploy shifts traffic; none before the first. */
export function servedBy({
  live,
  release,
  active,
}: Pick<WorkloadView, "live" | "release"> & {
  active: Pick<NonNullable<WorkloadView["active"]>, "release" | "shareBp"> | null;
}): Served[] {
  // While a deploy has a share, the other colour is the live one.
  const shareBp = active?.shareBp ?? 0;
  const served = COLOURS.map((colour) =>
    colour === live
      ? { colour, release, shareBp: ALL_BP - shareBp }
      : { colour, release: active?.release ?? null, shareBp },
  );
  return served
    .flatMap((it) =>
      it.release === null || it.shareBp === 0 ? [] : [{ ...it, release: it.release }],
    )
    .toSorted((a, b) => Number(b.colour === live) - Number(a.colour === live));
}

/** What serves, with the shares of two releases. */
export function Serves({ served }: { served: readonly Served[] }) {
  if (served.length === 0) return <span className="quiet">never deployed</span>;
  return served.map(({ colour, release, shareBp }) => (
    <div key={colour}>
      <Untrusted text={release} charactersMax={60} /> <ColourName colour={colour} />
      {shareBp === ALL_BP ? "" : ` ${shareText(shareBp)}`}
    </div>
  ));
}
