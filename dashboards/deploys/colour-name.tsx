import { type Colour, COLOUR_SHAPES } from "./words.ts";

/** The name of a colour with its shape. */
export function ColourName({ colour }: { colour: Colour }) {
  return (
    <span className="colour" data-colour={colour}>
      <span className="colour-shape" aria-hidden="true">
        {COLOUR_SHAPES[colour]}
      </span>{" "}
      {colour}
    </span>
  );
}
