import type { DeploySummary } from "./messages.ts";
import { standOf } from "./words.ts";

type State = { shape: string; word: string; tone: string };

/** A state as a shape and a word, so that its colour is not needed. */
export function StateWord({ shape, word, tone }: State) {
  return (
    <span className="stand" data-tone={tone}>
      <span className="stand-shape" aria-hidden="true">
        {shape}
      </span>{" "}
      {word}
    </span>
  );
}

/** How a deploy stands. */
export const Stand = ({ deploy }: { deploy: DeploySummary }) => <StateWord {...standOf(deploy)} />;
