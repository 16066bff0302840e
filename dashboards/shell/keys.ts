/** Every keyboard shortcut of the app; the help sheet and the pages share this list. */
export const KEYS = {
  help: { keys: "?", does: "Show these keys", where: "Everywhere" },
  board: { keys: "g h", does: "Go to the board", where: "Everywhere" },
  explore: { keys: "g e", does: "Go to explore", where: "Everywhere" },
  sources: { keys: "g s", does: "Go to the sources", where: "Everywhere" },
  deploys: { keys: "g d", does: "Go to the deploys", where: "Everywhere" },
  fleet: { keys: "g f", does: "Go to the fleet", where: "Everywhere" },
  edge: { keys: "g n", does: "Go to the nodes of the edge", where: "Everywhere" },
  range: { keys: "t t", does: "Type a time range", where: "Time range" },
  zoomOut: { keys: "t z", does: "Zoom out", where: "Time range" },
  earlier: { keys: "t ArrowLeft", does: "Earlier", where: "Time range" },
  later: { keys: "t ArrowRight", does: "Later", where: "Time range" },
  nextHours: { keys: "t n", does: "The next 3 hours, as predicted", where: "Time range" },
  absolute: { keys: "t a", does: "Hold the range as it is now", where: "Time range" },
  search: { keys: "/", does: "Search, or filter the board", where: "Everywhere" },
  searchHelp: { keys: "h", does: "How to write a search", where: "Everywhere" },
  share: { keys: "s", does: "Copy a link to this view", where: "Everywhere" },
  breakDown: { keys: "b", does: "Break down by a field", where: "Board" },
  comparePrevious: { keys: "c p", does: "Compare with the previous period", where: "Board" },
  compareWeek: { keys: "c w", does: "Compare with the same time last week", where: "Board" },
  compareToday: { keys: "c t", does: "Compare today with last week", where: "Board" },
  compareNothing: { keys: "c n", does: "Compare with nothing", where: "Board" },
  next: { keys: "j", does: "Next event, source or deploy", where: "Lists" },
  previous: { keys: "k", does: "Previous event, source or deploy", where: "Lists" },
  open: { keys: "Enter", does: "Open the event or deploy, or the newest one", where: "Lists" },
  add: { keys: "a", does: "Add a source, or start a deploy", where: "Lists" },
  close: { keys: "Escape", does: "Close it", where: "Lists" },
  wayBack: { keys: "r", does: "Take the way back: abort or roll back", where: "Deploy" },
  pause: { keys: "p", does: "Pause it, or resume it", where: "Deploy" },
} as const satisfies Record<string, { keys: string; does: string; where: string }>;

export type Action = keyof typeof KEYS;

const LEADERS = new Set(["c", "g", "t"]);
const SEQUENCE_MS_MAX = 1200;
const SHOWN: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", Escape: "esc" };

export type Pressed = { key: string; atMs: number };

/** What a key means after the previous one: an action, or the first key of a two-key sequence. */
export function actionFor(
  key: string,
  before: Pressed | undefined,
  atMs: number,
): Action | undefined {
  const leads = before && LEADERS.has(before.key) && atMs - before.atMs <= SEQUENCE_MS_MAX;
  const sequence = leads ? `${before.key} ${key}` : key;
  return actions().find((action) => KEYS[action].keys === sequence);
}

type Focused = { tagName: string; type: string | null; isContentEditable: boolean };

/** Whether keys pressed in an element belong to it, as in a text field or a list of choices. */
export function takesKeys({ tagName, type, isContentEditable }: Focused): boolean {
  if (tagName === "INPUT") return type !== "radio" && type !== "checkbox";
  return isContentEditable || tagName === "TEXTAREA" || tagName === "SELECT";
}

export function actions(): Action[] {
  // Object.keys of a constant object: its keys are exactly the actions.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.keys(KEYS) as Action[];
}

/** A key's label. */
export function keyCaps(keys: string): string[] {
  return keys.split(" ").map((key) => SHOWN[key] ?? key);
}
