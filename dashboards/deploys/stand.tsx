import type { DeploySummary } from "./messages.ts";
import { standOf } from "./words.ts";

/** How a deploy stands, with a shape and a word. */
export function Stand({ deploy }: { deploy: DeploySummary }) {
  const { shape, word, tone } = standOf(deploy);
  return (
    <span className="stand" data-tone={tone}>
      <span className="stand-shape" aria-hidden="true">
        {shape}
      </span>{" "}
      {word}
    </span>
  );
}
