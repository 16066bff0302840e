import { COLOURS, type Colour, shareText } from "./words.ts";

/** How traffic is split, as a bar; green is hatched as well. The text says the same. */
export function SplitBar({ shareBp }: { shareBp: Record<Colour, number> }) {
  const text = COLOURS.map((colour) => `${colour} ${shareText(shareBp[colour])}`).join(", ");
  return (
    <span className="split">
      <span className="split-bar" aria-hidden="true">
        {COLOURS.map((colour) => (
          <span key={colour} data-colour={colour} style={{ flexGrow: shareBp[colour] }} />
        ))}
      </span>
      <span>{text}</span>
    </span>
  );
}
