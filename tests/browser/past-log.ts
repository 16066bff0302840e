import { accessLine } from "../harness/access-log.ts";

/** The log of a past morning: 1,500 requests, one every two seconds, and a line that no format can parse. */
export const FROM_MS = Date.UTC(2024, 2, 5, 9);
const REQUESTS = 1_500;
export const EVENTS = REQUESTS + 1;
export const TO_MS = FROM_MS + REQUESTS * 2_000;
/** The first requests fail. */
export const FAILED = 45;

/** Routes of one request each. */
export const RARE_ROUTES = Array.from("abcdefghij", (letter) => `/rare-${letter}`);

function pathOf(index: number): string {
  return RARE_ROUTES[index - 300] ?? (index % 3 === 0 ? "/checkout" : "/products");
}

const HOSTILE = [
  accessLine({
    atMs: FROM_MS + 1_000,
    path: "/<img src=x onerror=window.hacked=1>",
    seconds: 0.05,
  }),
  accessLine({
    atMs: FROM_MS + 2_000,
    agent: "<script>window.hacked=1</script>\u202Egpj",
    seconds: 0.05,
  }),
  accessLine({
    atMs: FROM_MS + 3_000,
    path: "/javascript:window.hacked=1//",
    agent: "\u001b[31mred",
    seconds: 0.05,
  }),
];

export const PAST_LOG = [
  ...Array.from({ length: REQUESTS - HOSTILE.length }, (_, index) =>
    accessLine({
      atMs: FROM_MS + index * 2_000,
      path: `${pathOf(index)}?n=${index}`,
      status: index < FAILED ? 503 : 200,
      seconds: 0.05,
    }),
  ),
  ...HOSTILE,
  "no access line\n",
];
